package store

import (
	"context"
	"errors"

	"flowring/flow"
	"flowring/store/digest"
)

// ErrNoJournal says that a store in memory alone was asked for something that only a journal has.
var ErrNoJournal = errors.New("the store has no journal")

// Journal keeps the encoded batches of a store on disk. Package store/journal implements it. All methods may be called
// concurrently.
type Journal interface {
	// Append makes batches durable under their slices and dots: nil means that they are fsynced (P1). It blocks for that long;
	// concurrent calls share fsyncs. After an error all of them may be there, or none. It retains nothing of them.
	Append(batches ...flow.Written) error

	// Slices returns the slices that have batches or a snapshot, in order. It reads no batch.
	Slices() ([]flow.Slice, error)

	// Dots calls fn with the dot of each batch of the slice, in order, until fn fails. It reads no batch.
	Dots(s flow.Slice, fn func(flow.Dot) error) error

	// Load calls fn with each batch of the slice, in the order of the dots, until fn fails. fn must not retain batch.
	Load(s flow.Slice, fn func(batch []byte) error) error

	// Get returns one batch. It fails if the journal does not have it.
	Get(s flow.Slice, d flow.Dot) ([]byte, error)

	// Drop removes all batches of the slice, its snapshot and all drafts of one: nil means that this is fsynced. After an error
	// they may be there or not.
	Drop(s flow.Slice) error

	// Stage writes a piece of a draft, which is a snapshot to be: to Adopt it makes it one, what is never adopted is removed when
	// the journal is opened next. It does not wait for the disk and does not retain data.
	Stage(s flow.Slice, draft uint64, piece uint32, data []byte) error

	// Adopt makes a draft the slice's snapshot, with the given head, in place of the one before and of the batches of the dots
	// that it covers: nil means that all of this is fsynced. After an error it may be so or not.
	Adopt(s flow.Slice, draft uint64, head []byte, covers digest.Digest) error

	// Reclaim gives back the disk space of what was removed of a slice, which otherwise comes back when the journal happens to rewrite
	// it. It blocks for that rewriting, until ctx ends.
	Reclaim(ctx context.Context, s flow.Slice) error

	// Discard removes a draft. It does not wait for the disk.
	Discard(s flow.Slice, draft uint64) error

	// Head returns the head of the slice's snapshot, nil if it has none.
	Head(s flow.Slice) ([]byte, error)

	// Pieces calls fn with the pieces of the slice's snapshot, in order, until fn fails. fn must not retain data.
	Pieces(s flow.Slice, fn func(data []byte) error) error
}
