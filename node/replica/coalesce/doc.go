// Package coalesce decides which writes to a store go in one call. Many clients write to one hour at the same time,
// and each call costs an fsync at the store, so a few combined calls are cheaper than many small ones.
//
//	writes of one hour to one store      calls
//	w1                                   [w1] starts immediately
//	w2 w3 w4 (while [w1] is under way)   [w2 w3 w4] starts when [w1] has ended
//
// The write of a lone client starts its call at once. After a call with other writers beside or behind it, the next
// call waits for as many writes as there were writers, for twice the time of the last call and for 1 ms at most. After
// a call with 16 or more batches the next call starts at least 2 ms after its start (docs/decisions/0008). A full call
// starts immediately, beside the one under way, so many large writes are stored in parallel.
//
// Invariants:
//
//   - Only writes of the same hour, or of the same two hours, share a call, because a store may have to load another
//     hour from disk first. Around a full hour most senders write to the same two hours.
//   - Each write gets exactly one result. If a call fails, the writes queued behind it fail too; their callers try
//     another store.
//   - Nothing is kept for a store and hour without a call under way and without a wait for writes.
//
// Concurrency: a Coalescer is safe for concurrent use. Its mutex is never held during a call.
package coalesce
