package store

import (
	"sync"

	"flowring/flow"
)

// identity tells the batches of a slice apart: the ID of a batch, or the dot of a batch without an ID.
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

// identityLocks holds one lock for each identity in use. A lock is held across an fsync. With a fixed number of striped
// locks, unrelated batches would by chance wait for each other's fsync.
type identityLocks struct {
	mu     sync.Mutex
	locked map[identity]chan struct{} // closed when all identities of the same call to lock are unlocked
}

// lock locks identities, which are distinct and in order, and returns the function to unlock them. It waits until no
// other call has one of them locked. The order prevents deadlocks.
func (l *identityLocks) lock(ids []identity) (unlock func()) {
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

func (l *identityLocks) unlock(ids []identity, mine chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		delete(l.locked, id)
	}
	close(mine)
}
