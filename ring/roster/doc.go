// Package roster says which stores may hold data. It is pure: no I/O, no goroutines, no clock, and no random input except
// for new identifiers.
//
// A Roster lists the stores of a cluster: alive, absent, leaving and forgotten. A Store is the content of one disk; a node
// whose disk was replaced has several. A store counts if it is established and neither leaving nor forgotten. The nodes
// with a store that counts are the members of the ring (package ring).
//
// Invariants:
//
//   - A roster only grows. Merge is a union: idempotent, commutative and associative, so the order of merges makes no
//     difference.
//   - Established, Leaving and Forgotten, once set, stay set. A store that comes back cannot undo its tombstone.
//   - Equal rosters have equal encodings and equal hashes.
//
// Concurrency: Roster and Store are immutable. Any number of goroutines may use one value, and a change makes a new value.
package roster
