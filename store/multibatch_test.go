package store

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"flowring/flow"
	"flowring/store/digest"
)

// P2, P15: each batch counts once in any call: with several batches of a slice, a batch twice, an ID under two dots,
// and known batches.
func TestBatchesOfOneCallCountOnceEach(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		j := newMemJournal()
		s := opened(t, j, rapid.SampledFrom([]int64{0, 1}).Draw(rt, "budget"))
		var pool []*flow.Batch
		want := make(map[flow.Slice]int64)
		for i := range rapid.IntRange(1, 12).Draw(rt, "batches") {
			slice := flow.Slice{Hour: flow.Hour(i % 3), Index: uint32(i % 2)}
			b := batchOf(t, slice, dot(1, uint64(i)), record("a", "b", 1<<i, 0))
			want[slice] += 1 << i
			pool = append(pool, b)
			if rapid.Bool().Draw(rt, "keyed") {
				b.ID, b.Key = flow.ID{1, byte(i)}, flow.ID{2, byte(i)}
				again := *b
				again.Dot = dot(2, uint64(i))
				pool = append(pool, &again)
			}
		}
		order := append(rapid.Permutation(pool).Draw(rt, "order"), pool[:rapid.IntRange(0, len(pool)).Draw(rt, "duplicates")]...)
		repair := rapid.Bool().Draw(rt, "repair")
		for len(order) > 0 {
			n := rapid.IntRange(1, len(order)).Draw(rt, "at once")
			before := j.appends
			if err := s.apply(written(order[:n]...), repair); err != nil {
				rt.Fatal(err)
			}
			if j.appends > before+1 {
				rt.Fatalf("%d writes for one call", j.appends-before)
			}
			order = order[n:]
		}
		for slice, total := range want {
			r := read(t, s, slice)
			if got := totalsByKey(r)[record("a", "b", 0, 0).Key].BytesTx; got != total {
				rt.Fatalf("total of %s = %b, want %b", slice, got, total)
			}
			if err := errors.Join(s.Verify(slice), opened(t, j, 0).Verify(slice)); err != nil {
				rt.Fatal(err)
			}
			for _, b := range pool {
				if repair && b.Slice == slice && !r.Digest().Has(b.Dot) {
					rt.Fatalf("repair does not keep dot %s", b.Dot)
				}
			}
		}
	})
}

// Calls with common slices and identities, in any order, do not deadlock, also while slices are dropped and evicted.
// Each batch counts once (P2).
func TestOverlappingCallsEnd(t *testing.T) {
	const callers, rounds, ids = 6, 60, 8
	j := newMemJournal()
	j.onAppend = func(flow.Dot) error { runtime.Gosched(); return nil }
	s := opened(t, j, 1)
	var wg sync.WaitGroup
	for caller := range uint64(callers) {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(caller, 1))
			for round := range uint64(rounds) {
				var batches []*flow.Batch
				for _, i := range rng.Perm(ids) {
					b := batchOf(t, flow.Slice{Hour: flow.Hour(i / 2)}, dot(caller, round*ids+uint64(rng.IntN(ids))), record("a", "b", 1, 0))
					b.ID, b.Key = flow.ID{1, byte(i), byte(round)}, flow.ID{2, byte(i), byte(round)}
					batches = append(batches, b)
				}
				batches = append(batches, batches[rng.IntN(ids)])
				if err := s.apply(distinctDots(batches), caller%2 == 0); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		for range rounds {
			if _, err := s.Drop(flow.Slice{Hour: 1}, digest.Of(dot(99, 99))); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	for hour := range flow.Hour(ids / 2) {
		slice := flow.Slice{Hour: hour}
		if got := totalsByKey(read(t, s, slice))[record("a", "b", 0, 0).Key].BytesTx; got != 2*rounds {
			t.Errorf("total of %s = %d, want %d", slice, got, 2*rounds)
		}
		if err := s.Verify(slice); err != nil {
			t.Error(err)
		}
	}
}

// distinctDots gives batches with different IDs different dots, as every node does.
func distinctDots(batches []*flow.Batch) []flow.Written {
	of := make(map[flow.Dot]flow.ID)
	for _, b := range batches {
		for ; of[b.Dot] != (flow.ID{}) && of[b.Dot] != b.ID; b.Dot.Origin += 100 {
		}
		of[b.Dot] = b.ID
	}
	return written(batches...)
}

func TestFailedWriteOfSeveralLeavesMemoryUnchanged(t *testing.T) {
	j, broken := newMemJournal(), errors.New("disk is gone")
	s := opened(t, j, 0)
	j.onAppend = func(d flow.Dot) error {
		if d.Seq == 2 {
			return broken
		}
		return nil
	}
	first := batchOf(t, noon, dot(1, 1), record("a", "b", 1, 1))
	second := batchOf(t, flow.Slice{Hour: 13}, dot(1, 2), record("a", "b", 1, 1))
	if err := s.Apply(written(first, second)...); !errors.Is(err, broken) {
		t.Errorf("Apply: %v, want %v", err, broken)
	}
	if got, stats := s.Slices(), s.Stats(); len(got) != 0 || stats != (Stats{}) {
		t.Errorf("the store holds %v after the failure, stats %+v, want nothing", got, stats)
	}
}

func TestFailedLoadReleasesTheOtherSlices(t *testing.T) {
	j, broken := newMemJournal(), errors.New("disk is gone")
	later := flow.Slice{Hour: 13}
	apply(t, opened(t, j, 0), batchOf(t, noon, dot(1, 1), record("a", "b", 1, 1)), batchOf(t, later, dot(1, 1), record("a", "b", 1, 1)))
	s := opened(t, j, 0)
	j.onLoad = func() error {
		if j.loads > 2 {
			return broken
		}
		return nil
	}
	j.loads = 2
	more := written(batchOf(t, later, dot(1, 2), record("a", "b", 1, 1)), batchOf(t, noon, dot(1, 2), record("a", "b", 1, 1)))
	if err := s.Apply(more...); !errors.Is(err, broken) {
		t.Errorf("Apply: %v, want %v", err, broken)
	}
	for _, slice := range []flow.Slice{noon, later} {
		if dropped, err := s.Drop(slice, digest.Of(dot(1, 1))); !dropped || err != nil {
			t.Errorf("Drop(%s) = %t, %v, want true: nobody pinned it", slice, dropped, err)
		}
	}
}

// P12: a call with many slices keeps at most ApplyAtOnce of them in memory at once.
func TestManySlicesOfOneCallKeepToTheBudget(t *testing.T) {
	const hours, atOnce = 320, 64
	j := newMemJournal()
	s := opened(t, j, 1)
	most := 0
	j.onAppend = func(flow.Dot) error { most = max(most, s.Stats().Warm); return nil }
	var batches []*flow.Batch
	for hour := range flow.Hour(hours) {
		batches = append(batches, batchOf(t, flow.Slice{Hour: hours - hour}, dot(1, 1), record("a", "b", 1, 1)))
	}
	if err := s.Apply(written(batches...)...); err != nil {
		t.Fatal(err)
	}
	if got := len(s.Slices()); got != hours || j.appends != hours/atOnce {
		t.Errorf("%d slices are held after %d writes, want %d after %d", got, j.appends, hours, hours/atOnce)
	}
	if most > atOnce+1 { // the last used one stays
		t.Errorf("%d slices were in memory at once, want at most %d", most, atOnce+1)
	}
}

// P2: a write skips a batch with a known ID. Repair adds its dot.
func TestAWriteLeavesAKnownIDAsItIs(t *testing.T) {
	j := newMemJournal()
	s := opened(t, j, 0)
	for seq := range uint64(3) {
		b := batchOf(t, noon, dot(1, seq), record("a", "b", 1, 1))
		b.ID, b.Key = flow.ID{1}, flow.ID{2}
		if err := s.apply(written(b), seq == 2); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := countedBy(s), (counted{applied: 1, same: 1, known: 1}); got != want {
		t.Errorf("the store counts %+v, want %+v", got, want)
	}
	if got, want := read(t, s, noon).Digest(), digest.Of(dot(1, 0), dot(1, 2)); !got.Equal(want) {
		t.Errorf("Digest() = %s, want %s", got, want)
	}
}

func TestErrorOfApplyNamesTheBatches(t *testing.T) {
	j, broken := newMemJournal(), errors.New("disk is gone")
	s := opened(t, j, 0)
	j.onAppend = func(flow.Dot) error { return broken }
	one, other := batchOf(t, noon, dot(1, 1), record("a", "b", 1, 1)), batchOf(t, noon, dot(1, 2), record("a", "b", 1, 1))
	for want, batches := range map[string][]flow.Written{
		"apply batch 0000000000000001.1 of slice 12: disk is gone":            written(one),
		"apply batch 0000000000000001.1 of slice 12 and 1 more: disk is gone": written(other, one),
	} {
		if err := s.Apply(batches...); fmt.Sprint(err) != want {
			t.Errorf("Apply = %q, want %q", err, want)
		}
	}
	if err := s.Apply(); err != nil {
		t.Errorf("Apply of nothing = %v, want nil", err)
	}
	if slices.Collect(maps.Keys(j.batches)) != nil {
		t.Error("the journal has batches")
	}
}

// loadLog records the loaded slices.
type loadLog struct {
	*memJournal
	loaded []flow.Slice
}

func (l *loadLog) Load(s flow.Slice, fn func([]byte) error) error {
	l.loaded = append(l.loaded, s)
	return l.memJournal.Load(s, fn)
}

// Otherwise two calls could wait for each other: each pins one slice and waits for an operation on the slice of the
// other.
func TestSlicesArePinnedInOrder(t *testing.T) {
	j := &loadLog{memJournal: newMemJournal()}
	var batches []*flow.Batch
	for _, hour := range []flow.Hour{3, 1, 2, 3, 1} {
		batches = append(batches, batchOf(t, flow.Slice{Hour: hour}, dot(1, uint64(len(batches))), record("a", "b", 1, 1)))
	}
	apply(t, opened(t, j, 0), batches...)
	apply(t, opened(t, j, 0), batches...)
	if want := []flow.Slice{{Hour: 1}, {Hour: 2}, {Hour: 3}}; !slices.Equal(j.loaded, want) {
		t.Errorf("slices were loaded in the order %v, want %v", j.loaded, want)
	}
}
