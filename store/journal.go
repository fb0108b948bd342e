package store

import (
	"context"
	"errors"

	"flowring/flow"
	"flowring/store/digest"
)

// ErrNoJournal is the error of a store without a journal.
var ErrNoJournal = errors.New("the store has no journal")

// Journal keeps the encoded batches of a store on disk. Package store/journal implements it. All methods may be called
// concurrently.
type Journal interface {
	// Append writes batches under their slices and dots. It may write a run of small batches as one value, a pack. It
	// returns nil once they are fsynced (P1); concurrent calls share fsyncs. After an error the journal has all of them
	// or none. Append retains nothing of the batches.
	Append(batches ...flow.Written) error

	// Packs reports whether values, here and at every other store, may be packs.
	Packs() bool

	// Slices returns the slices with batches or a snapshot, in order. It reads no batch.
	Slices() ([]flow.Slice, error)

	// Dots calls fn with the dot of each batch of the slice, in order, until fn fails. It reads no batch.
	Dots(s flow.Slice, fn func(flow.Dot) error) error

	// Load calls fn with the batches of the slice, each once, until fn fails. A value is a batch or a pack of them. fn
	// must not retain value.
	Load(s flow.Slice, fn func(value []byte) error) error

	// Get returns a value with a batch, and perhaps with others. It fails if the journal lacks the batch.
	Get(s flow.Slice, d flow.Dot) ([]byte, error)

	// Drop removes the batches of the slice, its snapshot and its drafts. It returns nil once the removal is fsynced.
	// After an error they may be there or not.
	Drop(s flow.Slice) error

	// DropBelow removes everything of all slices whose hours are below an hour, in one write. It returns nil once the
	// removal is fsynced. After an error they may all be there or none.
	DropBelow(h flow.Hour) error

	// ReclaimBelow is Reclaim for everything that DropBelow removed.
	ReclaimBelow(ctx context.Context, h flow.Hour) error

	// Stage writes a piece of a draft. Adopt makes the draft a snapshot; the next start of the journal removes all
	// other drafts. Stage does not wait for the disk and does not retain data.
	Stage(s flow.Slice, draft uint64, piece uint32, data []byte) error

	// Adopt makes a draft the snapshot of the slice, with the given head. The draft replaces the former snapshot and
	// the batches of the dots in covers. Adopt returns nil once all of this is fsynced. After an error it may have
	// happened or not.
	Adopt(s flow.Slice, draft uint64, head []byte, covers digest.Digest) error

	// Reclaim frees the disk space of the removed values of a slice. Otherwise it stays in use until the journal
	// rewrites the files for another reason. Reclaim blocks until the files are rewritten or ctx ends.
	Reclaim(ctx context.Context, s flow.Slice) error

	// Discard removes a draft. It does not wait for the disk.
	Discard(s flow.Slice, draft uint64) error

	// Head returns the head of the snapshot of the slice, nil if it has none.
	Head(s flow.Slice) ([]byte, error)

	// SetTotals writes the totals of a slice, which are derived from its batches. It does not wait for the disk, so that
	// a crash may undo it, and it does nothing before the cluster has this feature. Drop removes the totals.
	SetTotals(s flow.Slice, totals []byte) error

	// Totals returns the totals of a slice as last written, nil if there are none.
	Totals(s flow.Slice) ([]byte, error)

	// Pieces calls fn with the pieces of the snapshot of the slice, in order, until fn fails. fn must not retain data.
	Pieces(s flow.Slice, fn func(data []byte) error) error
}
