package store

import (
	"maps"

	"flowring/flow"
	"flowring/store/count"
	"flowring/store/digest"
)

// Stats are numbers about a store.
type Stats = count.Stats

// Applied returns the number of batches added to the totals, as Stats does, in constant time.
func (s *Store) Applied() uint64 { return s.counters.Applied.Load() }

// Stats returns the current numbers. Its time grows with the number of slices.
func (s *Store) Stats() Stats {
	stats, no := s.counters.Stats(), &s.refusals
	stats.TooManyFlows, stats.TooManyNames, stats.TooManySlices = no.Flows.Load(), no.Names.Load(), no.Slices.Load()
	stats.SlicesReserved, stats.FutureHours = no.Reserved.Load(), no.Future.Load()
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
