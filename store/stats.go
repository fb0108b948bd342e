package store

import (
	"maps"
	"sync/atomic"

	"flowring/flow"
	"flowring/store/digest"
)

// Stats are numbers about a store. The counters start at zero at Open.
type Stats struct {
	Slices               int       // slices with batches
	Hours                int       // distinct hours of these
	Lowest               flow.Hour // of these; 0: there is none
	Warm                 int       // slices in memory
	Flows                int       // flows of the slices in memory
	ResidentBytes        int64     // estimated memory of the slices, each as of its last use
	Applied              uint64    // batches added to the totals
	Same                 uint64    // batches whose ID was known under another dot
	Known                uint64    // known batches, by their dot or, outside of repair, by their ID
	Saturated            uint64    // totals cut to 2^63-1 (P14) when batches were applied or loaded
	Loads                uint64    // slices loaded from the journal
	Evictions            uint64    // slices evicted from memory because of the budget
	Sealed               uint64    // snapshots made here
	Snapshots            uint64    // snapshots taken in from other stores
	Expired              uint64    // slices deleted because their hours expired
	Unreadable           uint64    // batches known to be unreadable
	MostFlows, MostNames int       // flows and names of the warm slice with the most of them

	TooManyFlows, TooManyNames, TooManySlices uint64 // refusals of Check for Limits.Flows, .Names and .Slices
	SlicesReserved                            uint64 // for the last tenth of Limits.Slices
	FutureHours                               uint64 // for Limits.Ahead
}

// counters are the growing numbers of Stats.
type counters struct {
	applied, same, known, saturated, loads, evictions, sealed, snapshots, expired atomic.Uint64
}

func (c *counters) count(added bool, saturated int) {
	if added {
		c.applied.Add(1)
	} else {
		c.same.Add(1)
	}
	c.saturated.Add(uint64(saturated))
}

// Applied returns the number of batches added to the totals, as Stats does, in constant time.
func (s *Store) Applied() uint64 { return s.counters.applied.Load() }

// Stats returns the current numbers. Its time grows with the number of slices.
func (s *Store) Stats() Stats {
	c := &s.counters
	stats := Stats{
		Applied:   c.applied.Load(),
		Same:      c.same.Load(),
		Known:     c.known.Load(),
		Saturated: c.saturated.Load(),
		Loads:     c.loads.Load(),
		Evictions: c.evictions.Load(),
		Sealed:    c.sealed.Load(),
		Snapshots: c.snapshots.Load(),
		Expired:   c.expired.Load(),

		TooManyFlows: s.refusals.Flows.Load(), TooManyNames: s.refusals.Names.Load(), TooManySlices: s.refusals.Slices.Load(),
		SlicesReserved: s.refusals.Reserved.Load(), FutureHours: s.refusals.Future.Load(),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	hours := make(map[flow.Hour]struct{})
	for slice, e := range s.entries {
		if e.empty() {
			continue
		}
		if stats.Slices++; stats.Slices == 1 || slice.Hour < stats.Lowest {
			stats.Lowest = slice.Hour
		}
		hours[slice.Hour] = struct{}{}
		if e.content != nil {
			stats.Warm++
			stats.Flows += e.content.Table.Flows()
			stats.MostFlows = max(stats.MostFlows, e.content.Table.Flows())
			stats.MostNames = max(stats.MostNames, e.content.Table.Names())
		}
	}
	stats.Unreadable = digest.Count(maps.Values(s.unreadable))
	stats.Hours = len(hours)
	stats.ResidentBytes = s.resident
	return stats
}
