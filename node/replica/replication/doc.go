// Package replication answers one question: when is a batch on W stores?
//
// A Replicator sends each batch to the first R candidates of its slice, and returns once W of them have it, for every
// batch. The next candidate replaces a store that failed, and is asked beside a slow one. The batches for one store go
// in one write. The other stores go on after the return.
//
// Invariants:
//
//   - An ack counts if its store counts by the roster as merged from all answers so far (P4), and each store counts
//     once (P1).
//   - If this store was asked, it is among the stores with the batch: it judges the next batch with this key or these
//     flows (P3, P14).
//
// Concurrency: a Replicator is safe for concurrent use. A call of Replicate serves one goroutine; answers come from
// others.
package replication
