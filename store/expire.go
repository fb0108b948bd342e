package store

import (
	"context"
	"fmt"
	"math"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/internal/safeguard"
)

// noFloor is the floor of a store without expired hours.
const noFloor = flow.Hour(math.MinInt64)

// Expire raises the floor. From its return on no call begins to read or write an hour below the floor: all of them fail
// with contract.Expired. Calls under way may still end, and Sweep deletes what they wrote. The caller has the floor on
// disk, so that the store refuses the same hours after a crash. A floor never falls.
func (s *Store) Expire(below flow.Hour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.floor = max(s.floor, below)
}

// refuseExpired returns contract.Expired for an hour below the floor. Store.mu is locked.
func (s *Store) refuseExpired(h flow.Hour) error {
	if h >= s.floor || s.disabled.Has(safeguard.StoreFloor) {
		return nil
	}
	return contract.Expired
}

// isExpired reports whether an hour is below the floor.
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

// firstUsed returns the floor, or the first hour below it with a user: a pin, an operation or a draft. Store.mu is locked.
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
