package backlog

import (
	"maps"
	"math"
	"slices"
	"sync"

	"flowring/flow"
	"flowring/store/digest"
)

// Backlog is the batches known to be missing at a store. The zero value is empty and ready for use.
type Backlog struct {
	mu      sync.Mutex
	missing map[flow.Slice]digest.Digest // no digest is empty
	batches int64                        // the sum of all counts
}

// Add adds the batches of a slice in theirs, the digest of another store, and not in own, the digest of this store.
func (b *Backlog) Add(slice flow.Slice, theirs, own digest.Digest) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.set(slice, b.missing[slice].Union(theirs).Minus(own))
}

// Remove removes the batches of a slice in own, the present digest of this store.
func (b *Backlog) Remove(slice flow.Slice, own digest.Digest) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.set(slice, b.missing[slice].Minus(own))
}

// Forget removes all batches of a slice.
func (b *Backlog) Forget(slice flow.Slice) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.set(slice, digest.Digest{})
}

// set replaces the missing batches of a slice. b.mu is held.
func (b *Backlog) set(slice flow.Slice, missing digest.Digest) {
	b.batches += countOf(missing) - countOf(b.missing[slice])
	if missing.Empty() {
		delete(b.missing, slice)
		return
	}
	if b.missing == nil {
		b.missing = map[flow.Slice]digest.Digest{}
	}
	b.missing[slice] = missing
}

// countOf returns the number of batches of a digest. A digest of another store may claim any number.
func countOf(d digest.Digest) int64 { return int64(min(d.Count(), math.MaxInt32)) }

// Batches returns the number of missing batches.
func (b *Backlog) Batches() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.batches
}

// Slices returns the slices with missing batches, in no order.
func (b *Backlog) Slices() []flow.Slice {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(maps.Keys(b.missing))
}
