package store

import (
	"fmt"

	"flowring/flow"
	"flowring/store/snapshot"
)

// Intake takes in what another store gives of a slice: the frames of its Missing. It serves one goroutine. Each batch counts as
// soon as it is taken in, a snapshot with its last piece.
type Intake struct {
	s     *Store
	slice flow.Slice
	head  *snapshot.Head // of the snapshot that is coming in
	left  uint32         // of its pieces
	draft *draft         // where it is written; nil: this store has all of it
	err   error          // why nothing more is taken in
}

// Intake returns an intake of a slice. The caller closes it.
func (s *Store) Intake(slice flow.Slice) *Intake { return &Intake{s: s, slice: slice} }

// Add takes in one frame, which it does not retain. It blocks for an fsync, except for the pieces of a snapshot but the last. It
// fails with an error that wraps ErrConflict for a snapshot that cannot be merged with what is held. Once it has failed it takes in
// nothing more.
func (in *Intake) Add(frame []byte) error {
	if in.err == nil {
		in.err = in.add(frame)
	}
	return in.err
}

func (in *Intake) add(frame []byte) error {
	switch {
	case in.left > 0:
		return in.piece(frame)
	case snapshot.IsHead(frame):
		return in.begin(frame)
	}
	b, err := flow.ParseBatch(frame)
	if err != nil {
		return err
	}
	if b.Slice != in.slice {
		return fmt.Errorf("batch of %s among those of %s", b.Slice, in.slice)
	}
	w := flow.Written{Batch: b, Bytes: frame}
	if done, err := in.s.mend(w); done || err != nil {
		return err
	}
	return in.s.apply([]flow.Written{w}, true)
}

// Close ends the intake. A snapshot that did not come in whole is forgotten.
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
	in.head, in.left = head, head.Pieces
	if own.Lacks(head.Digest) {
		in.draft, err = in.s.newDraft(in.slice)
	}
	return err
}

func (in *Intake) piece(frame []byte) error {
	in.left--
	if in.draft == nil {
		return nil
	}
	if _, err := snapshot.ParsePiece(in.slice, frame); err != nil {
		return err
	}
	if err := in.draft.stage(frame); err != nil {
		return err
	}
	if in.left > 0 {
		return nil
	}
	if err := in.draft.adopt(in.head.Digest, false); err != nil {
		return err
	}
	in.s.counters.snapshots.Add(1)
	in.Close()
	return nil
}
