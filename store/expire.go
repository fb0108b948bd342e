package store

import (
	"context"
	"fmt"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/internal/safeguard"
)

// Expire raises the floor, and names the erased hours. Each later call for an hour of them fails with contract.Expired.
// Calls under way may still end, and the sweeps delete their batches. Both are on disk before, and never go back.
func (s *Store) Expire(below flow.Hour, erased func(flow.Hour) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.floor, s.erased = max(s.floor, below), erased
}

// refuseExpired returns contract.Expired for an hour below the floor, or erased. Store.mu is locked.
func (s *Store) refuseExpired(h flow.Hour) error {
	if h >= s.floor && (s.erased == nil || !s.erased(h)) || s.disabled.Has(safeguard.StoreFloor) {
		return nil
	}
	return contract.Expired
}

// isExpired reports whether an hour is below the floor, or erased.
func (s *Store) isExpired(h flow.Hour) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refuseExpired(h) != nil
}

// Sweep deletes the hours below the floor, with their keys, snapshots and totals, and frees their memory. One write
// deletes all of them, so that a crash leaves each hour whole or deletes it whole. An hour in use keeps itself and the
// hours behind it for a later Sweep. Sweep returns the number of deleted slices, and whether hours are left. It blocks
// for an fsync if there is something to delete.
func (s *Store) Sweep() (deleted int, left bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	below := s.firstUsed()
	var all []*entry
	for slice, e := range s.entries {
		if slice.Hour < below {
			all = append(all, e)
		}
	}
	if len(all) == 0 {
		return 0, below < s.floor, nil
	}
	if err := s.remove(all, func() error { return s.journal.DropBelow(below) }); err != nil {
		return 0, true, fmt.Errorf("delete the hours below %d: %w", below, err)
	}
	s.counters.Expired.Add(uint64(len(all)))
	return len(all), below < s.floor, nil
}

// SweepErased is Sweep for the erased hours above the floor, one write a slice. It returns the deleted slices.
func (s *Store) SweepErased() (deleted []flow.Slice, left bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*entry
	for slice, e := range s.entries {
		switch {
		case slice.Hour < s.floor || s.refuseExpired(slice.Hour) == nil:
		case e.pins > 0 || e.operation != nil || s.drafts[slice] > 0:
			left = true
		default:
			all, deleted = append(all, e), append(deleted, slice)
		}
	}
	if err := s.remove(all, func() (err error) {
		for i := 0; i < len(deleted) && err == nil; i++ {
			err = s.journal.Drop(deleted[i])
		}
		return err
	}); err != nil {
		return nil, true, err
	}
	s.counters.Expired.Add(uint64(len(all)))
	return deleted, left, nil
}

// firstUsed returns the floor, or the first hour below it with a pin, an operation or a draft. Store.mu is locked.
func (s *Store) firstUsed() flow.Hour {
	first := s.floor
	for slice, e := range s.entries {
		if e.pins > 0 || e.operation != nil {
			first = min(first, slice.Hour)
		}
	}
	for slice := range s.drafts {
		first = min(first, slice.Hour)
	}
	return first
}

// ReclaimBelow frees the disk space of deleted hours. It blocks until their files are rewritten or ctx ends.
func (s *Store) ReclaimBelow(ctx context.Context, below flow.Hour) error {
	if s.journal == nil {
		return nil
	}
	return s.journal.ReclaimBelow(ctx, below)
}
