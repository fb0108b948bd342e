package index

import (
	"sync"

	"flowring/flow"
	"flowring/store/digest"
	"flowring/store/snapshot"
)

// Index holds the dots and the IDs of the batches of a slice. The zero value is empty.
type Index struct {
	mu         sync.Mutex
	dots       digest.Digest
	firstIDs   map[flow.ID]flow.ID  // by Key, the first ID with it
	furtherIDs map[flow.ID]struct{} // IDs whose Key had come with another ID: next to none
}

// Has reports whether the slice has a batch with the dot of b, or, if idSuffices is set, one with its ID.
func (x *Index) Has(b *flow.Batch, idSuffices bool) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.dots.Has(b.Dot) {
		return true
	}
	sameID, _ := x.lookupLocked(b)
	return sameID && idSuffices
}

// Lookup reports whether the slice has a batch with the ID of b, and whether it has the Key of b only with other IDs.
func (x *Index) Lookup(b *flow.Batch) (sameID, keyReused bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.lookupLocked(b)
}

// lookupLocked is Lookup with mu locked.
func (x *Index) lookupLocked(b *flow.Batch) (sameID, keyReused bool) {
	if b.ID.IsZero() {
		return false, false
	}
	first, known := x.firstIDs[b.Key]
	_, sameID = x.furtherIDs[b.ID]
	sameID = sameID || known && first == b.ID
	return sameID, known && !sameID && !b.Key.IsZero()
}

// Add adds the dot and the ID of b.
func (x *Index) Add(b *flow.Batch) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.dots.Add(b.Dot)
	if !b.ID.IsZero() {
		x.addID(b)
	}
}

func (x *Index) addID(b *flow.Batch) {
	if x.firstIDs == nil {
		x.firstIDs, x.furtherIDs = make(map[flow.ID]flow.ID), make(map[flow.ID]struct{})
	}
	first, known := x.firstIDs[b.Key]
	switch {
	case !known:
		x.firstIDs[b.Key] = b.ID
	case first != b.ID:
		x.furtherIDs[b.ID] = struct{}{}
	}
}

// AddPair adds an ID of a snapshot. It needs no lock, because the index has no other user yet.
func (x *Index) AddPair(p snapshot.IDPair) {
	if x.firstIDs == nil {
		x.firstIDs, x.furtherIDs = make(map[flow.ID]flow.ID), make(map[flow.ID]struct{})
	}
	if p.Key.IsZero() {
		x.furtherIDs[p.ID] = struct{}{}
		return
	}
	x.firstIDs[p.Key] = p.ID
}

// Pairs returns the IDs, in no order, and a copy of the dots.
func (x *Index) Pairs() ([]snapshot.IDPair, digest.Digest) {
	x.mu.Lock()
	defer x.mu.Unlock()
	all := make([]snapshot.IDPair, 0, len(x.firstIDs)+len(x.furtherIDs))
	for key, id := range x.firstIDs {
		all = append(all, snapshot.IDPair{Key: key, ID: id})
	}
	for id := range x.furtherIDs {
		all = append(all, snapshot.IDPair{ID: id})
	}
	return all, x.dots.Clone()
}

// Digest returns a copy of the dots.
func (x *Index) Digest() digest.Digest {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.dots.Clone()
}

// Empty reports whether the slice has no batch.
func (x *Index) Empty() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.dots.Empty()
}

// Size estimates the memory of the index in bytes.
func (x *Index) Size() int64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.dots.Size() + idCost*int64(len(x.firstIDs)+len(x.furtherIDs))
}

// idCost is the size of a Key and an ID in a map, with its unused capacity.
const idCost = 52

// SetDigest sets the dots of a slice whose snapshot has been read. It needs no lock, because the index has no other
// user yet.
func (x *Index) SetDigest(d digest.Digest) { x.dots = d }
