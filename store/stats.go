package store

import (
	"maps"
	"sync/atomic"

	"flowring/flow"
	"flowring/store/digest"
)

// Stats are numbers about a store. Those of Apply and of loads count up from Open.
type Stats struct {
	Slices        int    // slices that have batches here
	Hours         int    // distinct hours of these
	Warm          int    // slices in memory
	Flows         int    // flows of the slices in memory
	ResidentBytes int64  // estimate of the memory that the slices take, as of the last use of each
	Applied       uint64 // batches added to the totals
	Same          uint64 // batches whose ID was held under another dot
	Known         uint64 // batches that were held, by their dot or, where that will do, their ID
	Saturated     uint64 // totals cut to 2^63-1 (P14), by batches applied and by batches loaded
	Loads         uint64 // slices that came into memory from the journal
	Evictions     uint64 // slices that left memory for the budget
	Sealed        uint64 // snapshots made here
	Snapshots     uint64 // snapshots taken in from other stores
	Unreadable    uint64 // batches that are known to be unreadable here
	MostFlows     int    // flows of the slice in memory that has the most
	MostNames     int    // names of the slice in memory that has the most
	TooManyFlows  uint64 // times that Check refused a batch for Limits.Flows
	TooManyNames  uint64 // for Limits.Names
	TooManySlices uint64 // for Limits.Slices
	SlicesKept    uint64 // for the last tenth of Limits.Slices
}

// counters are the Stats that only grow.
type counters struct {
	applied, same, known, saturated, loads, evictions, sealed, snapshots atomic.Uint64
}

func (c *counters) count(fresh bool, saturated int) {
	if fresh {
		c.applied.Add(1)
	} else {
		c.same.Add(1)
	}
	c.saturated.Add(uint64(saturated))
}

// Stats returns the numbers of now. It takes time in proportion to the number of slices.
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

		TooManyFlows: s.refused.flows.Load(), TooManyNames: s.refused.names.Load(), TooManySlices: s.refused.slices.Load(),
		SlicesKept: s.refused.kept.Load(),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	hours := make(map[flow.Hour]struct{})
	for slice, h := range s.held {
		if h.empty() {
			continue
		}
		stats.Slices++
		hours[slice.Hour] = struct{}{}
		if h.content != nil {
			stats.Warm++
			stats.Flows += h.content.table.Flows()
			stats.MostFlows = max(stats.MostFlows, h.content.table.Flows())
			stats.MostNames = max(stats.MostNames, h.content.table.Names())
		}
	}
	stats.Unreadable = digest.Count(maps.Values(s.damaged))
	stats.Hours = len(hours)
	stats.ResidentBytes = s.resident
	return stats
}
