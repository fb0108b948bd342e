package runs

import (
	"errors"
	"math/rand/v2"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"flowring/flow"
	"flowring/store/digest"
	"flowring/store/journal/entry"
	"flowring/store/pack"
)

// payloads has memory for the payloads of packs.
var payloads = sync.Pool{New: func() any { return new([]byte) }}

// Append adds batches to a write, with packs for the runs among them if packs is set. Dots and runs come last, because
// Pebble finds the place of a key faster if it is behind the key before.
func Append(b *pebble.Batch, batches []flow.Written, packs bool) error {
	if !packs {
		return set(b, batches)
	}
	payload := payloads.Get().(*[]byte)
	defer payloads.Put(payload)
	single, packed := make([]flow.Written, 0, len(batches)), []Run(nil)
	for from, run := range pack.Runs(batches) {
		if len(run) == 1 {
			single = append(single, batches[from])
			continue
		}
		r := Run{key: entry.PackKey(run[0].Slice, run[0].Dot, rand.Uint64())}
		for _, batch := range run {
			r.dots.Add(batch.Dot)
		}
		*payload = pack.Append((*payload)[:0], run)
		entry.Set(b, r.key, *payload)
		packed = append(packed, r)
	}
	for _, r := range packed {
		setRun(b, r.key, r.dots)
	}
	return set(b, single)
}

// set adds batches to a write, each in a value of its own.
func set(b *pebble.Batch, batches []flow.Written) error {
	for _, w := range batches {
		entry.Set(b, entry.BatchKey(entry.Batch, w.Slice, w.Dot), w.Bytes)
	}
	for _, w := range batches {
		if err := b.Set(entry.BatchKey(entry.Dot, w.Slice, w.Dot), nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// setRun sets the batches that count of a pack with a key.
func setRun(b *pebble.Batch, key []byte, dots digest.Digest) {
	entry.Set(b, entry.WithKind(key, entry.Run), dots.Encode())
}

// Run is the batches of a pack that count.
type Run struct {
	key  []byte // of the pack
	dots digest.Digest
}

// Remove takes batches out of runs, and deletes the packs without others.
func Remove(b *pebble.Batch, runs []Run, dots digest.Digest) error {
	for _, r := range runs {
		left := r.dots.Minus(dots)
		if !left.Empty() {
			setRun(b, r.key, left)
			continue
		}
		if err := errors.Join(b.Delete(entry.WithKind(r.key, entry.Run), nil), b.Delete(r.key, nil)); err != nil {
			return err
		}
	}
	return nil
}
