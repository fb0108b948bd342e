// Package scrub answers one question: can this store still read all of its batches, and are its totals their sum?
//
// Damage to an hour without readers could stay hidden until the other copies are gone (P1), and so could totals that
// are not the fold of the batches (P15). A Scrubber therefore reads the whole journal after a start, at the rate of
// repair, and then again and again: each later pass takes a period, and at most a hundredth of a core. A store that has
// many slices reads them evenly spread over the period. The store records unreadable batches, repair fetches them from
// other stores, and a slice that differs from its batches is folded again. Only damage to the index of the journal ends
// the node.
//
// Concurrency: Run is one goroutine. The other methods are safe for concurrent use.
package scrub
