package directory

import (
	"time"

	"flowring/ring/roster"
)

// Absence measures for how long stores have not answered. The zero value has no store. It is for one goroutine.
type Absence struct {
	since map[roster.StoreID]time.Time
}

// Update takes the answers of one round of heartbeats, and returns the stores with an absence of at least limit.
// Absence begins with the first unanswered heartbeat. The caller counts this node's own store as answered.
func (a *Absence) Update(
	now time.Time, stores []roster.Store, answered func(roster.StoreID) bool, limit time.Duration,
) (long []roster.Store) {
	since := map[roster.StoreID]time.Time{}
	for _, s := range stores {
		if answered(s.ID) {
			continue
		}
		if since[s.ID] = now; !a.since[s.ID].IsZero() {
			since[s.ID] = a.since[s.ID]
		}
		if now.Sub(since[s.ID]) >= limit {
			long = append(long, s)
		}
	}
	a.since = since
	return long
}
