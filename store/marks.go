package store

import (
	"sync"

	"flowring/flow"
	"flowring/store/digest"
	"flowring/store/snapshot"
)

// marks are the identities of the batches of a slice: what tells a batch that is held from one that is not.
type marks struct {
	mu   sync.Mutex
	dots digest.Digest
	ids  map[flow.ID]flow.ID  // by Key, the ID that came with it first
	more map[flow.ID]struct{} // the IDs whose Key had come with another: next to none
}

// holds reports whether the batch of b's dot is here, or, if that will do, one of b's ID.
func (m *marks) holds(b *flow.Batch, idWillDo bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dots.Has(b.Dot) {
		return true
	}
	id, _ := m.seenLocked(b)
	return id && idWillDo
}

// seen reports whether a batch of b's ID is here, and whether b's Key came with another ID.
func (m *marks) seen(b *flow.Batch) (id, reused bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.seenLocked(b)
}

// seenLocked is seen; the caller holds mu.
func (m *marks) seenLocked(b *flow.Batch) (id, reused bool) {
	if b.ID.IsZero() {
		return false, false
	}
	first, known := m.ids[b.Key]
	_, id = m.more[b.ID]
	id = id || known && first == b.ID
	return id, known && !id && !b.Key.IsZero()
}

// record notes that b is here.
func (m *marks) record(b *flow.Batch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dots.Add(b.Dot)
	if !b.ID.IsZero() {
		m.recordID(b)
	}
}

func (m *marks) recordID(b *flow.Batch) {
	if m.ids == nil {
		m.ids, m.more = make(map[flow.ID]flow.ID), make(map[flow.ID]struct{})
	}
	first, known := m.ids[b.Key]
	switch {
	case !known:
		m.ids[b.Key] = b.ID
	case first != b.ID:
		m.more[b.ID] = struct{}{}
	}
}

// addPair notes an ID of a snapshot. Nobody else uses the marks yet.
func (m *marks) addPair(p snapshot.IDPair) {
	if m.ids == nil {
		m.ids, m.more = make(map[flow.ID]flow.ID), make(map[flow.ID]struct{})
	}
	if p.Key.IsZero() {
		m.more[p.ID] = struct{}{}
		return
	}
	m.ids[p.Key] = p.ID
}

// pairs returns the IDs, in no order, and a copy of the dots of the batches that they are of.
func (m *marks) pairs() ([]snapshot.IDPair, digest.Digest) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]snapshot.IDPair, 0, len(m.ids)+len(m.more))
	for key, id := range m.ids {
		all = append(all, snapshot.IDPair{Key: key, ID: id})
	}
	for id := range m.more {
		all = append(all, snapshot.IDPair{ID: id})
	}
	return all, m.dots.Clone()
}

// digest returns a copy of the dots.
func (m *marks) digest() digest.Digest {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dots.Clone()
}

func (m *marks) empty() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dots.Empty()
}

// size estimates the bytes of memory that the marks take.
func (m *marks) size() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dots.Size() + idCost*int64(len(m.ids)+len(m.more))
}

// idCost is a Key and an ID in a map, with the room that it keeps to grow.
const idCost = 52
