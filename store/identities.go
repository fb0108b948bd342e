package store

import (
	"sync"

	"flowring/flow"
)

// identity is what makes a batch the same as another in its slice: its ID, or, without one, its dot.
type identity struct {
	slice flow.Slice
	id    flow.ID
	dot   flow.Dot // zero if id is not
}

func identityOf(b *flow.Batch) identity {
	if b.ID.IsZero() {
		return identity{slice: b.Slice, dot: b.Dot}
	}
	return identity{slice: b.Slice, id: b.ID}
}

// identities are locks, one for each identity in use. An fsync passes within such a lock, so each identity has its own: one of
// a number of stripes would let batches wait for each other's fsync by chance.
type identities struct {
	mu     sync.Mutex
	locked map[identity]chan struct{} // closed when all that were locked with it are unlocked
}

// lock locks the identities, each once nobody else has it locked, and returns what unlocks them. They must be in order and
// distinct: two callers that each wait for what the other has would wait for ever.
func (l *identities) lock(ids []identity) (unlock func()) {
	mine := make(chan struct{})
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.locked == nil {
		l.locked = make(map[identity]chan struct{})
	}
	for _, id := range ids {
		for other := l.locked[id]; other != nil; other = l.locked[id] {
			l.mu.Unlock()
			<-other
			l.mu.Lock()
		}
		l.locked[id] = mine
	}
	return func() { l.unlock(ids, mine) }
}

func (l *identities) unlock(ids []identity, mine chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		delete(l.locked, id)
	}
	close(mine)
}
