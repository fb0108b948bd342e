// Package keys remembers the idempotency keys admitted by a store as an owner, over all hours, each with a hash of the
// content of its request. A known key with other content is refused (422), for another hour too: the batches of an
// hour know only the keys of that hour.
//
// The memory is a courtesy to senders that recompute a request before they repeat it. No promise rests on it, because
// a batch counts once by its ID alone (P2). A restart forgets all keys, and another owner knows other keys
// (docs/decisions/0011).
//
//	hash of the key --> one of the buckets --> ring of 15 entries; a new one overwrites the oldest
//
// Invariants:
//
//   - The memory is bounded: a bucket is allocated when it is first used, and nothing is removed.
//   - A key has at most one entry.
//
// Concurrency: a Memory is safe for concurrent use.
package keys
