// Package head answers one question: which facts do the headers of a POST give about its body?
//
// They have the key of the request (package idempotency), the form of the records, the coding of the body (package
// coding), and perhaps its length. A node checks them before it reads the body, and before net/http sends a 100
// Continue.
//
//	Idempotency-Key, Content-Type, Content-Encoding, Content-Length --> Head, or a 400, 413 or 415
//
// Media types in use for JSON in practice count as JSON, whose decoder decides. Any other type is refused.
//
// The package has no state. A Head is a value.
package head
