package index

import (
	"bytes"
	"cmp"
	"slices"
	"sync"

	"flowring/flow"
)

// Identity tells the batches of a slice apart: the ID of a batch, or the dot of a batch without an ID.
type Identity struct {
	slice flow.Slice
	id    flow.ID
	dot   flow.Dot // zero if id is not
}

func identityOf(b *flow.Batch) Identity {
	if b.ID.IsZero() {
		return Identity{slice: b.Slice, dot: b.Dot}
	}
	return Identity{slice: b.Slice, id: b.ID}
}

// Locks holds one lock for each identity in use. A lock is held across an fsync. With a fixed number of striped
// locks, unrelated batches would by chance wait for each other's fsync.
type Locks struct {
	mu     sync.Mutex
	locked map[Identity]chan struct{} // closed when all identities of the same call to Lock are unlocked
}

// Lock locks identities, which are distinct and in order, and returns the function to unlock them. It waits until no
// other call has one of them locked. The order prevents deadlocks.
func (l *Locks) Lock(ids []Identity) (unlock func()) {
	mine := make(chan struct{})
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.locked == nil {
		l.locked = make(map[Identity]chan struct{})
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

func (l *Locks) unlock(ids []Identity, mine chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		delete(l.locked, id)
	}
	close(mine)
}

// IdentitiesOf returns the identities of the batches, each once, in order.
func IdentitiesOf(batches []flow.Written) []Identity {
	all := make([]Identity, len(batches))
	for i, b := range batches {
		all[i] = identityOf(b.Batch)
	}
	slices.SortFunc(all, Identity.compare)
	return slices.Compact(all)
}

func (i Identity) compare(o Identity) int {
	return cmp.Or(i.slice.Compare(o.slice), bytes.Compare(i.id[:], o.id[:]), CompareDots(i.dot, o.dot))
}

// CompareDots orders dots by origin, then seq.
func CompareDots(a, b flow.Dot) int {
	return cmp.Or(cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.Seq, b.Seq))
}
