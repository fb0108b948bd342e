// Package bykey answers one question: which of two contents of one request does this owner take? A preset maps the body
// of a sender to records, and the mapping may change between two attempts, because names and settings do. The batches
// of both have one key, and other IDs (flow.Posting.IdentifyByKey). The content that this owner took first counts.
//
// Invariant: this store takes at most one batch for a key and a slice through a Taker (P2). A lock of the key is held
// from the look-up until the batch is in the store, so it holds for two attempts at once. Batches that other owners
// took while this one was away are no concern of a Taker: after a partition both may count.
//
// A Taker may be used by many goroutines. Take blocks for an fsync, and for the locks of keys with the same first byte.
package bykey
