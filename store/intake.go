package store

import (
	"fmt"

	"flowring/flow"
	"flowring/store/pack"
	"flowring/store/snapshot"
	"flowring/store/totals"
)

// Intake takes in the frames of a slice from Missing of another store. It serves one goroutine. Each batch counts
// from its frame on, a snapshot from its last piece on.
type Intake struct {
	s          *Store
	slice      flow.Slice
	head       *snapshot.Head // of the snapshot in progress
	piecesLeft uint32         // pieces of it to come
	draft      *draft         // of the snapshot; nil: this store has all of its batches
	totals     totals.Totals  // of the pieces so far
	err        error          // the first error, which later calls return
}

// Intake returns an intake of a slice. The caller closes it.
func (s *Store) Intake(slice flow.Slice) *Intake { return &Intake{s: s, slice: slice} }

// Add takes in one frame, which it does not retain. It blocks for an fsync, except for the pieces of a snapshot
// before the last one. Its error wraps ErrConflict if a snapshot conflicts with the one of this store. After an error
// the intake takes in nothing more.
func (in *Intake) Add(frame []byte) error {
	if in.err == nil {
		in.err = in.add(frame)
	}
	return in.err
}

func (in *Intake) add(frame []byte) error {
	switch {
	case in.piecesLeft > 0:
		return in.piece(frame)
	case snapshot.IsHead(frame):
		return in.begin(frame)
	}
	all, err := pack.Written(frame)
	if err != nil {
		return err
	}
	var left []flow.Written
	for _, w := range all {
		if w.Slice != in.slice {
			return fmt.Errorf("batch of %s among those of %s", w.Slice, in.slice)
		}
		done, err := in.s.rewrite(w)
		if err != nil {
			return err
		}
		if !done {
			left = append(left, w)
		}
	}
	return in.s.apply(left, true)
}

// Close ends the intake, and discards an incomplete snapshot.
func (in *Intake) Close() {
	if in.draft != nil {
		in.draft.close()
		in.draft = nil
	}
}

func (in *Intake) begin(frame []byte) error {
	if in.s.journal == nil {
		return ErrNoJournal
	}
	head, err := snapshot.ParseHead(frame)
	if err != nil {
		return err
	}
	if head.Slice != in.slice {
		return fmt.Errorf("%w: of %s, not of %s", snapshot.ErrMalformed, head.Slice, in.slice)
	}
	own, err := in.s.Digest(in.slice)
	if err != nil {
		return err
	}
	in.Close()
	in.head, in.piecesLeft, in.totals = head, head.Pieces, totals.Totals{}
	if own.Lacks(head.Digest) {
		in.draft, err = in.s.newDraft(in.slice)
	}
	return err
}

func (in *Intake) piece(frame []byte) error {
	in.piecesLeft--
	if in.draft == nil {
		return nil
	}
	p, err := snapshot.ParsePiece(in.slice, frame)
	if err != nil {
		return err
	}
	if p.Flows != nil {
		in.totals.AddBatch(p.Flows)
	}
	if err := in.draft.stage(frame); err != nil {
		return err
	}
	if in.piecesLeft > 0 {
		return nil
	}
	if err := in.draft.adopt(in.head.Digest, false); err != nil {
		return err
	}
	in.s.counters.Snapshots.Add(1)
	in.s.saveTotals(in.slice, in.totals, in.head.Digest)
	in.Close()
	return nil
}
