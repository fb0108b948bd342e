// Package proof judges how much of a slice an answer is known to hold, by the digests of the stores that answered.
//
//	Begin --> the stores are asked for their digests --> Replies --> Completeness of the batches to be shown
//
// One rule serves a GET, which asks about one slice, and a query, which asks each store once about all slices of its
// range. Shown batches are
//
//   - Complete if fewer than W stores of the roster were silent, at least W established stores answered, the asking one
//     included, and every shown batch is on W established stores. A recovering store counts as silent. The proven
//     quorum of the roster must be W;
//   - Unproven if only the last condition fails: everything acknowledged is shown, but the next complete answer may
//     lack a batch of this one. Also if at least R-W+1 of the slice's own replicas answered and none of them still
//     takes the slice over;
//   - Partial otherwise.
//
// Complete is correct because an acknowledged batch is on W stores and fewer than W stores were silent. It needs two
// conditions of the caller: the shown batches are the union of all digests (P4), and all digests are younger than the
// request and taken within less than Config.DropAfter of package replica, because a copy may move meanwhile.
//
// The package does no I/O. AskOthers waits for the goroutines that it starts. A Round does not change. Replies belong
// to one goroutine, or to several under a mutex of the caller.
package proof
