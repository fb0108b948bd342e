// Package pack answers one question: how are many small batches of one origin kept and sent as one? A pack is one value
// of the journal and one frame between nodes. It has the batches of a run: up to 256 batches of one slice and one
// origin, whose seqs lie less than 256 apart, with holes, because a refused or replayed request leaves one.
//
// Each batch keeps its dot, its ID, its Key and its rows. The batches share only the table of names. So a pack can be
// taken apart, and the packs of two stores need not be equal: nothing about counting, digests and IDs depends on them.
// The pack draws its encoding in codec.go; its first byte tells it from a batch and from a snapshot.
//
// Invariants:
//
//	A run has one pack, and Parse accepts only the output of Append (P16).
//	Parse returns exactly the batches that Append got.
//	No batch of a pack has more than MostFlows flows, because larger ones gain nothing.
//
// The package is pure, except for a Sender, which is for one goroutine.
package pack
