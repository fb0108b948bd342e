// Package index holds the identities of the batches of one slice: its dots, and the IDs with their Keys. They tell new
// batches from known ones (P2).
//
// A dot names one copy of a batch, and an ID names a request. A batch whose ID is known under another dot adds nothing
// to the totals. A Key with another ID is a reused key. Usually each Key comes with one ID, so the index has a map from
// Key to ID; further IDs of a Key are in a set.
//
// Locks are the locks of identities, which are held from the look-up of a batch until it is in the totals (P2).
//
// An Index may be used by many goroutines. It has one lock, which no method holds while it calls another package that
// locks.
package index
