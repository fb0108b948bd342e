// Package digest is a set of dots: the batches of a slice at a store, and their difference to another store.
//
// A Digest keeps the seqs of each origin as intervals. A node numbers its batches of a slice upwards, so one interval
// per origin is the usual case, and a digest takes a few bytes however many batches there are. Stores exchange
// digests and then only the batches of their difference.
//
// Invariants:
//
//	origins are in ascending order, and each has at least one interval
//	the intervals of an origin are in ascending order, and at least one seq lies between two of them
//
// A set therefore has exactly one form in memory and one encoding (codec.go). Sum, a hash of the encoding, is equal
// for two digests if and only if their sets are equal. Parse accepts only the output of Encode (P16).
//
// The package is pure. Add is the only method that changes a digest; otherwise many goroutines may use a digest.
package digest
