// Package check decides whether a data folder is intact, while no node uses it.
//
// Run opens the journal of the folder without a change, reads every value of every slice, and folds each slice: a value
// must have its checksum, a batch must be one, and the totals on disk must be those of the batches (P15). It names each
// damaged slice, and goes on to the next one. It checks the values of the node's own state, such as the roster, by
// their checksums alone.
//
// Damage at the very end of the log looks like the write that a crash interrupted (P13, docs/promises.md), and batches
// that a disk has lost without a trace leave nothing to find. Only other stores know of both.
//
// Run uses one goroutine. A slice enters memory only if its fold alone can tell whether it is right.
package check
