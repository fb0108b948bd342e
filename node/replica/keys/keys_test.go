package keys

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"unsafe"

	"flowring/flow"
)

func TestTheLastKeysAreRememberedInBoundedMemory(t *testing.T) {
	const most = 20_000
	k := NewMemory(most)
	if size := unsafe.Sizeof(bucket{}); size > bucketBytes-8 {
		t.Errorf("a bucket has %d bytes, want %d at most", size, bucketBytes-8)
	}
	if bytes := k.count * bucketBytes; bytes > most*keyBytes+bucketBytes {
		t.Errorf("%d keys take %d bytes, want %d each", most, bytes, keyBytes)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	all := make([]flow.Batch, 5*most)
	for i := range all {
		binary.BigEndian.PutUint64(all[i].Key[:], rng.Uint64())
		binary.BigEndian.PutUint64(all[i].Key[8:], rng.Uint64())
		all[i].Posting = flow.ID{1}
		k.Remember(&all[i])
		k.Remember(&all[i])
	}
	known := func(batches []flow.Batch) (n int) {
		for _, b := range batches {
			if err := k.Check(&b); err != nil {
				t.Fatalf("check of a key with its own content = %v", err)
			}
			b.Posting = flow.ID{2}
			if k.Check(&b) != nil {
				n++
			}
		}
		return n
	}
	if n := known(all[len(all)-most:]); n < most*97/100 {
		t.Errorf("%d of the last %d keys are remembered, want nearly all", n, most)
	}
	if n := known(all[:most]); n > most/100 {
		t.Errorf("%d of the first %d keys are remembered, want nearly none", n, most)
	}
	if held := k.held.Load(); held > int64(15*k.count) || held < most {
		t.Errorf("%d keys are counted, want %d to %d", held, most, 15*k.count)
	}
}

func BenchmarkKeys(b *testing.B) {
	k := NewMemory(1_000_000)
	rng := rand.New(rand.NewPCG(1, 1))
	var batch flow.Batch
	batch.Posting = flow.ID{1}
	for b.Loop() {
		binary.BigEndian.PutUint64(batch.Key[:], rng.Uint64())
		binary.BigEndian.PutUint64(batch.Key[8:], rng.Uint64())
		if k.Check(&batch) == nil {
			k.Remember(&batch)
		}
	}
}
