package count

import (
	"sync/atomic"

	"flowring/flow"
)

// Stats are numbers about a store. The counters start at zero at Open.
type Stats struct {
	Slices         int       // slices with batches
	Hours          int       // distinct hours of these
	Lowest         flow.Hour // of these; 0: there is none
	Warm           int       // slices in memory
	Flows          int       // flows of the slices in memory
	ResidentBytes  int64     // estimated memory of the slices, each as of its last use
	Applied        uint64    // batches added to the totals
	Same           uint64    // batches whose ID was known under another dot
	Known          uint64    // known batches, by their dot or, outside of repair, by their ID
	Saturated      uint64    // totals cut to 2^63-1 (P14) when batches were applied or loaded
	Loads          uint64    // slices loaded from the journal
	Evictions      uint64    // slices evicted from memory because of the budget
	Sealed         uint64    // snapshots made here
	Snapshots      uint64    // snapshots taken in from other stores
	Expired        uint64    // slices deleted because their hours expired
	Unreadable     uint64    // batches known to be unreadable
	MostFlows      int       // flows of the warm slice with the most flows
	MostNames      int       // names of the warm slice with the most names
	TooManyFlows   uint64    // refusals of Check for Limits.Flows
	TooManyNames   uint64    // for Limits.Names
	TooManySlices  uint64    // for Limits.Slices
	SlicesReserved uint64    // for the last tenth of Limits.Slices
	FutureHours    uint64    // for Limits.Ahead
}

// Counters are the growing numbers of Stats, by their names.
type Counters struct {
	Applied, Same, Known, Saturated, Loads, Evictions, Sealed, Snapshots, Expired atomic.Uint64
}

// Batch counts a batch in the totals: whether it was new to them, and the totals that it cut.
func (c *Counters) Batch(added bool, saturated int) {
	if added {
		c.Applied.Add(1)
	} else {
		c.Same.Add(1)
	}
	c.Saturated.Add(uint64(saturated))
}

// Stats returns the numbers of the counters.
func (c *Counters) Stats() Stats {
	return Stats{
		Applied:   c.Applied.Load(),
		Same:      c.Same.Load(),
		Known:     c.Known.Load(),
		Saturated: c.Saturated.Load(),
		Loads:     c.Loads.Load(),
		Evictions: c.Evictions.Load(),
		Sealed:    c.Sealed.Load(),
		Snapshots: c.Snapshots.Load(),
		Expired:   c.Expired.Load(),
	}
}
