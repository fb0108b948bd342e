// Package checker answers one question for the histories of internal/clustertest: which promises has a history broken?
//
// A Checker has a ledger of all batches (package internal/ledger), and notes each fault. A client enters a request
// before it sends it, and has each answer to a read judged by the batches that were owed before the read.
//
// Invariants:
//
//   - A request has a name that no other request of the history has.
//   - Faults are kept until the end. Faults returns each of them once.
//
// The package is for tests alone. A Checker may be used by many goroutines.
package checker
