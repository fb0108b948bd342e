package store

import (
	"errors"
	"fmt"
	"iter"

	"flowring/flow"
)

// ErrDiverged says that memory is not the fold of the journal (P15).
var ErrDiverged = errors.New("memory is not the fold of the journal")

// Verify folds the slice anew from the journal and compares that with memory (P15); a cold slice is loaded. Batches may be
// applied meanwhile: what is compared are those held when it began. It fails with an error that wraps ErrDiverged if the two
// differ, and with ErrNoJournal without a journal.
func (s *Store) Verify(slice flow.Slice) error {
	if s.journal == nil {
		return fmt.Errorf("verify slice %s: %w", slice, ErrNoJournal)
	}
	h, err := s.pinWarm(slice, false)
	if err != nil || h == nil {
		return err
	}
	defer s.releaseWarm(h)
	memory := h.content.read(slice.Hour)
	c, _, err := s.loadContent(slice, &memory.digest)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	if err := memory.compare(c.read(slice.Hour)); err != nil {
		return fmt.Errorf("verify slice %s: %w", slice, err)
	}
	return nil
}

// compare returns an error that says in what the two readings differ.
func (r *Reading) compare(o *Reading) error {
	if lost := r.digest.Minus(o.digest); !lost.Empty() {
		return fmt.Errorf("%w: batches %s are not in the journal", ErrDiverged, lost)
	}
	if r.Len() != o.Len() {
		return fmt.Errorf("%w: %d flows, %d in the journal", ErrDiverged, r.Len(), o.Len())
	}
	next, stop := iter.Pull(o.Records())
	defer stop()
	for mine := range r.Records() {
		if theirs, _ := next(); mine != theirs {
			return fmt.Errorf("%w: %+v, %+v in the journal", ErrDiverged, mine, theirs)
		}
	}
	return nil
}
