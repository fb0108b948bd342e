package bounds

import (
	"flowring/flow"
	"flowring/router"
)

// erasure is the erasure of an hour by a test.
type erasure struct {
	loss bool // a disk has lost its marks since it began
}

// Erase notes that a test begins to erase an hour.
func (b *Bounds) Erase(h flow.Hour) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.erasures == nil {
		b.erasures = map[flow.Hour]*erasure{}
	}
	if b.erasures[h] == nil {
		b.erasures[h] = &erasure{}
	}
}

// Erases reports whether a test has begun to erase an hour.
func (b *Bounds) Erases(h flow.Hour) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.erasures[h] != nil
}

// Erased returns the hours that a test has begun to erase.
func (b *Bounds) Erased() (hours []flow.Hour) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for h := range b.erasures {
		hours = append(hours, h)
	}
	return hours
}

// Late reports whether a request of one hour comes too late: from now on no node may acknowledge it. All stores but
// W-1, and at least W, have the hour as closed. A single store that has it as erased is enough, unless a disk has lost
// its marks meanwhile (decision 0022, its last consequence). views are those of all running nodes.
func (b *Bounds) Late(h flow.Hour, quorum int, views map[string]router.MembersView) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.erasures[h] == nil {
		return false
	}
	stores, closed, erased := 0, 0, 0
	for _, v := range views {
		stores = max(stores, len(v.Members))
		for _, r := range v.Retention.Erased {
			if r.From <= h && h < r.To {
				closed++
				if r.At > 0 {
					erased++
				}
			}
		}
	}
	return closed >= max(quorum, stores-quorum+1) || erased > 0 && !b.erasures[h].loss
}
