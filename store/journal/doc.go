// Package journal is what a store has on disk, and the only durable state of a node: the batches, and a few named values such as
// the roster and the store ID. It is a Pebble database, with keys as drawn in keys.go and values as in seal.go.
//
// The batches of a slice may have a snapshot in their place: pieces, which are written first, and a head, which makes them count. What
// a crash leaves of pieces without a head is removed by Open.
//
// Promises that rest on it: Append, Drop and SetState return nil only once what they did is fsynced (P1), as one Pebble batch
// each, so that a crash leaves all or nothing of it. Whatever is read carries a checksum over its key and value. What cannot be
// read is never guessed at: the error wraps ErrCorrupt or ErrFormat and says which batch or state it is about.
//
// A failure of the write-ahead log or of the manifest is fatal, since nobody can tell what of it reached the disk: the process
// ends, by Options.Fatal, and what was acknowledged is there after a restart (P13). Even if Fatal returns, no write after that
// is ever reported as done.
//
// One process at a time has a folder open. A Journal may be used by many goroutines, and should be: the fsync of one Append
// serves all others that wait at the same time. Reads see a moment of the journal and do not block writes. Close waits for the
// calls under way.
package journal
