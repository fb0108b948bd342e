// Package totals holds the sums of all flows of a slice, and their form on disk.
//
// A query without names and filters needs nothing else of an hour. A store therefore writes the totals of a slice when
// the slice leaves memory or is sealed. Later such queries load no batch.
//
// The totals on disk carry the hash of the digest of their batches. Totals are a function of the set of batches, so a
// value counts exactly while the hash is that of the slice. Nothing has to remove or to change a value when batches
// arrive, are found to be unreadable, or are replaced by a snapshot. A value that is lost in a crash costs one load.
//
// A value on disk; numbers are big endian:
//
//	version (1 byte, 1) | hash of the digest (16) | tx (16) | rx (16) | number of flows (8)
//
// Each sum is that of the totals of the flows. The total of one flow saturates at 2^63-1 (P14). Their sum has 128 bits.
// The package is pure.
package totals
