package store

import (
	"errors"
	"fmt"

	"flowring/flow"
)

// ErrDiverged is the error of a slice whose totals in memory are not the fold of the journal (P15).
var ErrDiverged = errors.New("memory is not the fold of the journal")

// Verify folds the journal of the slice again and compares the result with memory (P15). It loads a cold slice.
// Batches may be applied meanwhile, because Verify compares only the batches in memory at its start. Its error wraps
// ErrDiverged if the two differ, and ErrNoJournal without a journal.
func (s *Store) Verify(slice flow.Slice) error {
	if s.journal == nil {
		return fmt.Errorf("verify slice %s: %w", slice, ErrNoJournal)
	}
	e, err := s.pinLoaded(slice, false)
	if err != nil || e == nil {
		return err
	}
	defer s.releaseLoaded(e)
	memory := e.content.Read(slice.Hour)
	if err := s.verifyTotals(slice, memory); err != nil {
		return fmt.Errorf("verify slice %s: %w", slice, err)
	}
	mine := memory.Digest()
	c, _, err := s.loadContent(slice, &mine)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	if difference := memory.Difference(c.Read(slice.Hour)); difference != "" {
		return fmt.Errorf("verify slice %s: %w: %s in the journal", slice, ErrDiverged, difference)
	}
	return nil
}
