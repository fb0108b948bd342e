// Package erasure answers one question: how far is the erasure of a range of hours, and what is its next step?
//
// The marks of hours on the roster are all of its state, so any node goes on where another one stopped. A step is one
// call of Apply:
//
//  1. The hours are marked as closed at this store. A round of heartbeats brings the marks to the others.
//  2. Once all stores but W-1, and at least W, have these marks on disk, the hours are marked as erased, and another
//     round brings that to the others. Each store deletes them on its own (package expiry).
//
// Invariants:
//
//   - No store has a mark of an erased hour before enough stores have it as closed. So of any W stores that acknowledge
//     a later batch of the hour, one knows that it is closed, and says so with its acknowledgement.
//   - A plan is applied as it was shown: with other batches it has another hash. Hours with marks need no hash any
//     more.
//
// Erasures may be used by many goroutines.
package erasure
