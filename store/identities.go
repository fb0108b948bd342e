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
	locked map[identity]chan struct{} // closed when unlocked
}

// lock waits until nobody has the identity locked, locks it, and returns what unlocks it.
func (l *identities) lock(id identity) (unlock func()) {
	for {
		held, mine := l.try(id)
		if held == nil {
			return func() { l.unlock(id, mine) }
		}
		<-held
	}
}

// try locks the identity with mine, or returns what it is locked with.
func (l *identities) try(id identity) (held, mine chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if held, ok := l.locked[id]; ok {
		return held, nil
	}
	if l.locked == nil {
		l.locked = make(map[identity]chan struct{})
	}
	mine = make(chan struct{})
	l.locked[id] = mine
	return nil, mine
}

func (l *identities) unlock(id identity, mine chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.locked, id)
	close(mine)
}
