// Package store is what one node holds: for each slice of an hour the set of its batches, in a journal, and their fold in memory.
//
// Invariants, by the promises that they carry:
//
//	P1   Apply returns without an error only once the journal has fsynced the batches.
//	P2   A batch is in the totals once: its identity, which is its ID or else its dot, is locked from the look-up to the fold.
//	P11  A Reading has all of a batch or nothing of it, and its digest says which.
//	P14  Totals saturate at 2^63-1 in any order alike, which is counted; Check tells before.
//	P15  Totals are the fold of the batches in the journal. Verify proves it.
//
// A slice that has been quiet is sealed: a snapshot, which is what batches add up to, their digest and their IDs, takes the place of these
// batches in the journal. Later ones go on top. Who seals knows that its snapshot holds whatever any other store has in one; so of two
// the larger takes the place of the smaller (Intake). What Missing gives and Intake takes in are the frames drawn in snapshot.go.
//
// A slice is warm, in memory, or cold, in the journal alone. What needs its totals or IDs (Apply, Check, Read, Verify) loads it;
// Digest, Missing and Drop do not. Past the memory budget, slices leave memory, the least recently used first. Open reads only
// which slices there are.
//
// In memory, names are numbered per slice, and a flow is three such numbers: the key of a row in one of several shards, whose
// columns have no pointers. A batch is sorted by shard and takes each shard's lock once. A reader copies the columns of totals
// while no batch is being added; sorting, which is remembered for as long as there are no new flows, is done on the copy, once somebody
// asks for the flows in order.
//
// A Store may be used by many goroutines. Its locks, in the order in which they may be taken:
//
//	an identity (across the fsync) > Store.mu (which slices there are; never across I/O) > content.mu (shared to add a batch,
//	exclusive to copy) > the locks of a shard, of the names and of the marks
//
// A user of a slice pins it. A pinned slice stays as warm as it is, and is not dropped. Who needs several, or several identities, takes
// each of a kind in order, and pins before it locks identities.
package store
