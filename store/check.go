package store

import (
	"fmt"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/store/limits"
)

// Check decides for the owner of an hour whether it admits batches. It changes nothing. After a refusal nothing of
// the batches may be stored. The outcomes:
//
//	replay                the store has a batch with the ID of each one: to apply them would add nothing
//	contract.KeyReused    the store has the Key of one with another ID
//	contract.Overflow     the total of a flow would exceed 2^63-1 with one (P14)
//	*contract.HourError   one would exceed one of the Limits (P12)
//
// Each batch is checked as if it were alone, except for the number of slices: the new slices of the batches before it
// count. The answer does not include batches applied between Check and Apply.
func (s *Store) Check(batches ...flow.Written) (replay bool, err error) {
	return s.checkAll(batches, s.limits)
}

// CheckIgnoringLimits is Check without Limits, for batches whose posting passed Check as a whole. Other batches of
// the posting may be stored by now, so a refusal for a limit would leave the posting in parts (P3).
func (s *Store) CheckIgnoringLimits(batches ...flow.Written) (replay bool, err error) {
	return s.checkAll(batches, limits.Limits{})
}

func (s *Store) checkAll(batches []flow.Written, limits limits.Limits) (allReplayed bool, err error) {
	allReplayed = true
	begun := 0 // new slices of this call
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

// begunSlices returns the number of slices. Those whose first batch is being written count too.
func (s *Store) begunSlices() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.entries)
}

// check checks one batch, after a number of new slices in this call. begins reports whether the batch begins another
// one.
func (s *Store) check(b *flow.Batch, limits limits.Limits, begun int) (replay, begins bool, err error) {
	e, err := s.pinLoaded(b.Slice, false)
	if err != nil {
		return false, false, fmt.Errorf("check batch: %w", err)
	}
	if e == nil {
		return false, true, s.refusals.Count(b.Slice, limits.FitsNew(b, s.begunSlices()+begun, time.Now()))
	}
	defer s.release(e)
	replay, reused := e.content.Index.Lookup(b)
	switch {
	case replay:
		return true, false, nil
	case reused:
		return false, false, contract.KeyReused
	case e.content.Table.Overflows(b):
		return false, false, contract.Overflow
	}
	return false, false, s.refusals.Count(b.Slice, limits.Fits(e.content.Table, b))
}
