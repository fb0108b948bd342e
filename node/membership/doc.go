// Package membership keeps two facts of a node in the data folder: the store that the node holds, and the roster that it knows.
//
// A State changes in one place, State.change. Each change is made durable first and published afterwards, because a roster that other
// parts have seen and acted on must survive a crash. The published value is immutable and consists of the roster, the store's ID and the
// ring that follows from the roster. Readers load it without a lock.
//
// The store ID and the roster are one value in the journal, so that a crash cannot leave the two in disagreement. The flags of a roster
// are never taken back. A store that the cluster forgot, or that was leaving and whose drain was given up, therefore goes on under a new
// ID with all the batches that it holds. The old IDs of a drain that was given up are kept until the new ID is established.
//
// The package also keeps the cluster's name (P8), and refuses a data folder that was written under other rules of placement.
package membership
