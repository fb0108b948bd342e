// Package content holds a slice in memory: the fold of its batches, and their identities.
//
// A Content has the totals of a slice (store/table) and the dots and IDs of its batches (store/index). A Reading is a
// copy of both at one moment.
//
// Invariants, by promise:
//
//	P2   A batch whose ID is known under another dot adds nothing to the totals.
//	P11  A Reading has all of a batch or nothing of it, and its digest lists the batches.
//
// A Content may be used by many goroutines. Its lock is shared while a batch is added and exclusive while a Reading is
// copied. The table and the index have locks of their own, which are taken within it. A Reading does not change.
package content
