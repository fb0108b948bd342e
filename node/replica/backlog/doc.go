// Package backlog counts the batches known to be missing at a store.
//
// Repair compares digests with other stores. It adds the batches that another store holds and this one lacks, and
// removes batches that have arrived. /members shows the number as `behind`.
//
// Invariants:
//
//   - A batch counts once, however many stores hold it.
//   - The number is the sum over all slices of the lacking batches; no slice is kept with none.
//
// Concurrency: a Backlog is safe for concurrent use. Its digests are immutable once stored.
package backlog
