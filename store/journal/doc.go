// Package journal is the durable state of a node on disk: the batches of a store, and a few named values such as the
// roster and the store ID. It is a Pebble database. Package entry draws the keys and the values.
//
// A snapshot may take the place of the batches of a slice. It has pieces, which are written first, and a head, which
// makes the pieces count. Open removes pieces without a head, which a crash has left behind.
//
// Each of Append, Drop and SetState is one Pebble batch, so that a crash leaves all of it or nothing, and returns nil
// only after its fsync (P1). Every value carries a checksum over its key and payload. The journal never guesses at an
// unreadable value: the error wraps ErrCorrupt or ErrFormat and names the batch or the state.
//
// A failure of the write-ahead log or of the manifest is fatal, because the content of the disk is then unknown:
// Options.Fatal ends the process, and all acknowledged batches are there after a restart (P13). No later write is
// acknowledged, even if Fatal returns.
//
// One process at a time has a folder open. A Journal is safe for concurrent use. Many concurrent calls of Append are
// cheaper than few, because one fsync serves all calls that wait for it. A read sees the journal of one moment, and
// does not block writes. Close waits for the calls under way.
package journal
