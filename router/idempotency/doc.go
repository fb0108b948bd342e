// Package idempotency reads the header Idempotency-Key: under which key does a client send a request?
//
//	Idempotency-Key: abc      --> abc
//	Idempotency-Key: "a\"b"   --> a"b
//
// A key is 1 to 255 bytes of visible ASCII, bare or as a string of RFC 8941 in double quotes. The two forms of one key
// are one key. A key with an unexpanded placeholder of a template is refused, because its sender would give all
// requests one key (P2).
//
// All functions are pure and safe for concurrent use.
package idempotency
