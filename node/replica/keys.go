package replica

import (
	"encoding/binary"
	"math/bits"
	"sync"
	"sync/atomic"

	"flowring/flow"
	"flowring/internal/contract"
)

// keys are the idempotency keys that this store admitted lately as an owner, of whatever hours, each with the content of its posting.
// A key that comes again with other content is refused (422), also for another hour, where the batches of the hour do not know it. This
// is a courtesy to senders that recompute what they repeat. Nothing rests on it: a restart forgets all keys, another owner knows other
// ones, and a batch counts once by its ID alone (P2).
//
// A bucket holds the last keys of those that hash to it, so that the memory is bounded and nothing is ever removed. Buckets are made
// when they are first used.
type keys struct {
	count   int // of buckets; 0: no key is remembered
	refused atomic.Uint64
	held    atomic.Int64

	mu      sync.Mutex
	buckets []*bucket
}

// bucket is a ring of keys. With the pointer to it, it takes bucketBytes.
type bucket struct {
	next    uint8 // where the next key goes
	entries [15]keyEntry
}

// keyEntry is 8 bytes of the hash of a key, beside those that choose the bucket, and 8 of the hash of a posting's content.
type keyEntry struct{ key, posting uint64 }

const (
	keyBytes    = 32      // of memory, for each key that is to be remembered
	bucketBytes = 256 + 8 // as allocated, with the pointer
)

// newKeys returns a memory of the last keys, as many as most. It has room for nearly twice as many, since keys are spread over the
// buckets by chance: of the last most keys, one in a hundred is forgotten early.
func newKeys(most int) *keys { return &keys{count: (most*keyBytes + bucketBytes - 1) / bucketBytes} }

// check returns an error if the key of a batch came with another posting. Both are zero for a batch without a key.
func (k *keys) check(b *flow.Batch) error {
	if b.Key.IsZero() || b.Posting.IsZero() || k.count == 0 {
		return nil
	}
	at, e := k.place(b)
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

// remember notes the key of a batch that was admitted.
func (k *keys) remember(b *flow.Batch) {
	if b.Key.IsZero() || b.Posting.IsZero() || k.count == 0 {
		return
	}
	at, e := k.place(b)
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

// place returns the bucket of a batch's key, and its entry there.
func (k *keys) place(b *flow.Batch) (at uint64, e keyEntry) {
	at, _ = bits.Mul64(binary.BigEndian.Uint64(b.Key[:8]), uint64(k.count))
	return at, keyEntry{binary.BigEndian.Uint64(b.Key[8:]), binary.BigEndian.Uint64(b.Posting[:8])}
}

// find returns the entry of a key; nil if there is none.
func (b *bucket) find(key uint64) *keyEntry {
	for i := range b.entries {
		if b.entries[i].key == key {
			return &b.entries[i]
		}
	}
	return nil
}

// add adds an entry, in the place of that of the same key, or of the oldest one. It reports whether there is one more now.
func (b *bucket) add(e keyEntry) (more bool) {
	if known := b.find(e.key); known != nil {
		*known = e
		return false
	}
	at := &b.entries[b.next]
	more = *at == keyEntry{}
	*at = e
	b.next = (b.next + 1) % uint8(len(b.entries))
	return more
}

// KeysRemembered returns how many keys this store remembers, and how many batches it refused for them.
func (r *Replicas) KeysRemembered() (held int64, refused uint64) {
	return r.keys.held.Load(), r.keys.refused.Load()
}
