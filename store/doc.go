// Package store holds the slices of one node: for each slice the set of its batches, in a journal, and their totals
// in memory.
//
// Invariants, by promise:
//
//	P1   Apply returns nil only after the journal has fsynced the batches.
//	P2   A batch is in the totals once. Its identity, the ID or else the dot, is locked from the look-up to the fold.
//	P11  A Reading has all of a batch or nothing of it, and its digest lists the batches.
//	P14  Totals saturate at 2^63-1 in any order alike, which is counted. Check reports it before.
//	P15  Totals are the fold of the batches in the journal. Scrub proves it.
//
// A slice is warm (in memory) or cold (only in the journal). Apply, Holds, Check, Read and Seal need its totals or IDs
// and load it. Digest, Missing, Scrub and Drop do not. Beyond the memory budget the least recently used slices become
// cold. Open reads only the list of slices.
//
// Seal replaces the batches of a quiet slice by a snapshot: their totals, their digest and their IDs. Later batches
// are added on top. A caller of Seal passes only a digest that contains every snapshot of the slice at other stores.
// Of two snapshots the larger one therefore contains the other, and Intake replaces the smaller one by it.
//
// Expire raises the floor, below which hours are deleted. The store then says contract.Expired of such an hour: it
// never says that it holds nothing of it, and it takes no batch of it (P4). Sweep deletes the hours that no call uses.
//
// The parts of a slice have packages of their own: store/content the slice in memory, store/table its totals,
// store/digest the set of its dots, store/index the identities of its batches, store/snapshot the format of its
// snapshot, store/journal its place on disk, store/damage its unreadable batches, and store/outline the comparison of
// memory with the journal. Store.Fold adds slices to the groups of a query (store/aggregate).
//
// A Store may be used by many goroutines. Its locks, in the order in which they are taken:
//
//	an identity (held across the fsync) > Store.mu (the entries; not held across I/O)
//	> the lock of a content (shared to add a batch, exclusive to copy) > the locks of the table and of the batch index
//
// A user of a slice pins its entry. A pinned entry is neither evicted nor dropped. A caller with
// several slices or several identities takes them in order, and pins before it locks identities.
package store
