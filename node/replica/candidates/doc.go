// Package candidates answers which store to try next for a slice. A slice has a list of all members, by the ring: its
// owner, its further replicas, and then every other member (package ring).
//
//	ring          b       c            a       d
//	candidates    b       a            d       c
//	              owner   c is unheard, so it comes last
//
// After the loss of its disk a member has two stores until the old one is forgotten. The candidate is the store whose
// node answers (P9).
//
// Invariants:
//
//   - A list has each member at most once, and no member whose address is unknown.
//   - The order is the one of the ring, except for candidates whose last call failed: they come after all others.
//
// Concurrency: a Finder is safe for concurrent use. A Lookup and its Lists serve one goroutine and one request.
package candidates
