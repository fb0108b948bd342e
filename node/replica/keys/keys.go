package keys

import (
	"encoding/binary"
	"math/bits"
	"sync"
	"sync/atomic"

	"flowring/flow"
	"flowring/internal/contract"
)

// Memory is the memory of keys.
type Memory struct {
	count   int // of buckets; 0: no key is remembered
	refused atomic.Uint64
	held    atomic.Int64

	mu      sync.Mutex
	buckets []*bucket
}

// bucket is a ring of entries. It takes bucketBytes, with the pointer to it.
type bucket struct {
	next    uint8 // where the next key goes
	entries [15]entry
}

// entry is 8 bytes of the hash of a key, without the bytes that choose the bucket, and 8 bytes of the hash of a
// posting's content.
type entry struct{ key, posting uint64 }

const (
	keyBytes    = 32      // of memory for each key
	bucketBytes = 256 + 8 // as allocated, with the pointer
)

// NewMemory returns a memory of the last most keys; with 0 it remembers none. It has room for nearly twice as many,
// because keys are spread over the buckets by chance: one in a hundred of the last most keys is forgotten early.
func NewMemory(most int) *Memory {
	return &Memory{count: (most*keyBytes + bucketBytes - 1) / bucketBytes}
}

// Check returns contract.KeyReusedElsewhere if the key of a batch came with another posting. Key and posting are zero
// in a batch without a key.
func (k *Memory) Check(b *flow.Batch) error {
	if b.Key.IsZero() || b.Posting.IsZero() || k.count == 0 {
		return nil
	}
	at, e := k.locate(b)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.buckets == nil || k.buckets[at] == nil {
		return nil
	}
	if known := k.buckets[at].find(e.key); known != nil && known.posting != e.posting {
		k.refused.Add(1)
		return contract.KeyReusedElsewhere
	}
	return nil
}

// Remember stores the key of an admitted batch.
func (k *Memory) Remember(b *flow.Batch) {
	if b.Key.IsZero() || b.Posting.IsZero() || k.count == 0 {
		return
	}
	at, e := k.locate(b)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.buckets == nil {
		k.buckets = make([]*bucket, k.count)
	}
	if k.buckets[at] == nil {
		k.buckets[at] = new(bucket)
	}
	if k.buckets[at].add(e) {
		k.held.Add(1)
	}
}

// locate returns the index of the bucket of a batch's key, and the key's entry.
func (k *Memory) locate(b *flow.Batch) (at uint64, e entry) {
	at, _ = bits.Mul64(binary.BigEndian.Uint64(b.Key[:8]), uint64(k.count))
	return at, entry{binary.BigEndian.Uint64(b.Key[8:]), binary.BigEndian.Uint64(b.Posting[:8])}
}

// find returns the entry of a key; nil if there is none.
func (b *bucket) find(key uint64) *entry {
	for i := range b.entries {
		if b.entries[i].key == key {
			return &b.entries[i]
		}
	}
	return nil
}

// add overwrites the entry of the same key, or else the oldest entry. It reports whether the bucket has one more entry
// now.
func (b *bucket) add(e entry) (more bool) {
	if known := b.find(e.key); known != nil {
		*known = e
		return false
	}
	at := &b.entries[b.next]
	more = *at == entry{}
	*at = e
	b.next = (b.next + 1) % uint8(len(b.entries))
	return more
}

// Counts returns the number of remembered keys and the number of refusals.
func (k *Memory) Counts() (held int64, refused uint64) { return k.held.Load(), k.refused.Load() }
