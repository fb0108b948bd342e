// Package condition reads the header If-None-Match and writes entity tags: which answers does a client have already?
//
//	If-None-Match: W/"a", "b"     KnownTags --> the tags a and b of the cluster
//	ETag: W/"a"                   EntityTag <-- the tag a
//
// Invariants: a malformed header never fails a request, because the whole answer is always right; the tags of one
// request are few and short (P16).
//
// All functions are pure and safe for concurrent use.
package condition
