package directory

import (
	"sync"

	"flowring/node/peer"
	"flowring/ring/roster"
)

// Statuses holds the last report of each store's node about itself. The zero value is empty.
type Statuses struct {
	mu   sync.Mutex
	last map[roster.StoreID]peer.Status
}

// Set replaces the report of a store's node.
func (b *Statuses) Set(id roster.StoreID, status peer.Status) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.last == nil {
		b.last = map[roster.StoreID]peer.Status{}
	}
	b.last[id] = status
}

// Get returns the last report of a store's node; the zero Status if there is none.
func (b *Statuses) Get(id roster.StoreID) peer.Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last[id]
}
