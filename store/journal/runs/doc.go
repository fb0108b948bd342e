// Package runs answers one question: in which values of a journal are the batches of a slice? A batch has a value of
// its own, or it is in a pack (store/pack) with the other small batches of its run.
//
// Beside each pack is its run: the digest of its batches that count. A snapshot takes batches out of the run, and the
// last one takes the pack with it. Packs of one origin may overlap, because a batch comes in any order, and a batch may
// even be in two values after a failed write or after damage. So Load keeps count and gives each batch once (P2). A
// batch in a value of its own is found before one in a pack, because the pack may be the damaged one.
//
// Invariants:
//
//	One write has a pack and its run, so that a crash leaves both or nothing (P1, P11).
//	The list of the dots reads no pack.
//	Damage to a pack is an error with the dots of its batches, and the others are found by Value.
//
// A Reader is safe for concurrent use. Each of its methods sees the journal of one moment.
package runs
