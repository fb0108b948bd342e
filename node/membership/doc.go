// Package membership keeps a node's store ID and its roster in the data folder.
//
// A State changes in one place, State.change. Each change is durable before it is published, because a roster must
// survive a crash once other parts have acted on it. The published value is immutable: the roster, the store's ID, and
// the ring of the roster. Readers load it without a lock.
//
// The store ID and the roster are one value in the journal, so a crash cannot leave the two in disagreement. The roster
// never loses a mark. A store marked as forgotten, or as leaving after its drain was given up, therefore goes on under
// a new ID with all its batches. The old IDs of such drains are kept until the new ID is established.
//
// The package also keeps the cluster's name (P8), and refuses a data folder with other rules of placement.
package membership
