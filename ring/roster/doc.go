// Package roster lists the stores of a cluster with their flags. It is pure: no I/O, no goroutines, no clock, and no
// random input except for new identifiers.
//
// A Store is the content of one disk; a node with a replaced disk has several. A store counts if it is established and
// neither leaving nor forgotten. The nodes with a counting store are the members of the ring (package ring). The roster
// changes only when stores join or leave, not when processes start or stop.
//
// Invariants:
//
//   - A roster only grows. Merge is a union: idempotent, commutative and associative, so the order of merges makes no
//     difference.
//   - Established, Leaving and Forgotten, once set, stay set. A returning store cannot undo its tombstone.
//   - The floors of retention only rise, and marks of erased hours above them stay.
//   - Equal rosters have equal encodings and equal hashes.
//
// Concurrency: Roster and Store are immutable. Any number of goroutines may use one value, and a change makes a new
// value.
package roster
