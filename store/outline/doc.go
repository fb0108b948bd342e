// Package outline answers one question: do the values of a slice in the journal add up to the flows that memory has?
//
// An Outline is the fold of a slice without its flows: the dots, the sums, and a fingerprint of the totals. It takes
// some bytes for each batch and none for a flow, so that a node can compare a slice that would not fit into its memory
// a second time (P12, P15).
//
// The fingerprint of a fold is the sum, modulo 2^64, of hash(key) * total over all flows. It is linear: the sum over
// the batches equals the sum over the flows of their fold, unless a total is saturated (P14). Hashes are odd, so that a
// difference in one total always shows; differences in several totals cancel each other with probability 2^-63. A flow
// without bytes leaves no trace. The seed of the hashes is random, and of one Outline (P16).
//
//	batches  foo bar v 100, foo bar v 200, baz qux v 5   h(foo bar v)*100 + h(foo bar v)*200 + h(baz qux v)*5
//	memory   foo bar v 300, baz qux v 5                  h(foo bar v)*300 + h(baz qux v)*5
//
// Concurrency: an Outline is for one goroutine.
package outline
