package store

import (
	"fmt"

	"flowring/flow"
	"flowring/internal/contract"
)

// Check is what the owner of an hour asks before it admits batches. It changes nothing. After a refusal nothing of the
// batches may be stored. The outcomes:
//
//	replay                a batch of each one's ID is held: to apply them would add nothing
//	contract.KeyReused    the Key of one is held with another ID
//	contract.Overflow     the total of a flow would exceed 2^63-1 with one (P14)
//	*contract.HourError   one would exceed one of the Limits (P12)
//
// Each is looked at as if the others were not there, but for the number of slices: those that the batches before it begin count. Batches that are applied between Check and Apply are not in its answer.
func (s *Store) Check(batches ...flow.Written) (replay bool, err error) {
	return s.checkAll(batches, s.limits)
}

// CheckIgnoringLimits is Check without Limits: of batches whose posting was checked as a whole. Other batches of it may be stored by now, and
// to refuse these would leave the posting in pieces (P3).
func (s *Store) CheckIgnoringLimits(batches ...flow.Written) (replay bool, err error) {
	return s.checkAll(batches, Limits{})
}

func (s *Store) checkAll(batches []flow.Written, limits Limits) (allReplayed bool, err error) {
	allReplayed = true
	begun := 0 // slices that batches of this call begin
	for _, b := range batches {
		replayed, begins, err := s.check(b.Batch, limits, begun)
		if err != nil {
			return false, err
		}
		if begins {
			begun++
		}
		allReplayed = allReplayed && replayed
	}
	return allReplayed, nil
}

// check checks one batch, after so many batches that begin a slice. begins says that it begins another one.
func (s *Store) check(b *flow.Batch, limits Limits, begun int) (replay, begins bool, err error) {
	h, err := s.pinLoaded(b.Slice, false)
	if err != nil {
		return false, false, fmt.Errorf("check batch: %w", err)
	}
	if h == nil {
		return false, true, s.refused.limit(b.Slice, s.checkNewSlice(b, limits, begun))
	}
	defer s.release(h)
	replay, reused := h.content.index.lookup(b)
	switch {
	case replay:
		return true, false, nil
	case reused:
		return false, false, contract.KeyReused
	case h.content.table.Overflows(b):
		return false, false, contract.Overflow
	}
	return false, false, s.refused.limit(b.Slice, limits.fits(h.content.table, b))
}
