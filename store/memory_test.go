package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"flowring/flow"
	"flowring/store/digest"
)

// tight is a budget for only one slice, the last used one.
const tight = 1

func hourSlice(h int) flow.Slice { return flow.Slice{Hour: flow.Hour(h)} }

func TestEvictedSlicesComeBackWhole(t *testing.T) {
	j := newMemJournal()
	s := opened(t, j, tight)
	const hours = 5
	for round := range uint64(3) {
		for h := range hours {
			apply(t, s, batchOf(t, hourSlice(h), dot(1, round+1), record("a", fmt.Sprint(round), 1, 1)))
		}
	}
	if got := s.Stats(); got.Warm != 1 || got.Slices != hours || got.Hours != hours || got.Evictions == 0 || got.Loads == 0 {
		t.Errorf("Stats() = %+v, want 1 warm slice of %d, evictions and loads", got, hours)
	}
	for h := range hours {
		if r := read(t, s, hourSlice(h)); r.Len() != 3 || r.Digest().Count() != 3 {
			t.Errorf("hour %d has %d flows of %s, want 3 of 3 batches", h, r.Len(), r.Digest())
		}
	}
}

func TestOpenReadsNoBatches(t *testing.T) {
	j := newMemJournal()
	first := opened(t, j, 0)
	for h := range 3 {
		apply(t, first, batchOf(t, hourSlice(h), dot(1, 1), record("a", "b", 1, 1)))
	}
	j.onLoad = func() error { return errors.New("a batch was read") }
	s := opened(t, j, 0)
	if got, want := s.Slices(), []flow.Slice{hourSlice(0), hourSlice(1), hourSlice(2)}; !slices.Equal(got, want) {
		t.Errorf("Slices() = %v, want %v", got, want)
	}
	for range 2 {
		if got, err := s.Digest(hourSlice(1)); err != nil || !got.Equal(digest.Of(dot(1, 1))) {
			t.Errorf("Digest of a cold slice = %s, %v, want %s", got, err, digest.Of(dot(1, 1)))
		}
	}
	count := 0
	err := s.Missing(hourSlice(1), digest.Digest{}, func([]byte) error { count++; return nil })
	if err != nil || count != 1 {
		t.Errorf("Missing of a cold slice gave %d batches, %v, want 1", count, err)
	}
	if got := s.Stats(); got.Warm != 0 || got.Slices != 3 {
		t.Errorf("Stats() = %+v, want 3 slices, none warm", got)
	}
}

func TestFailedLoadIsReportedAndRetried(t *testing.T) {
	j, broken := newMemJournal(), errors.New("disk is gone")
	b := batchOf(t, noon, dot(1, 1), record("a", "b", 1, 1))
	apply(t, opened(t, j, 0), b)
	s := opened(t, j, 0)
	j.onLoad = func() error { return broken }
	_, readErr := s.Read(noon)
	_, checkErr := s.Check(written(b)...)
	applyErr := s.Apply(written(b)...)
	for call, err := range map[string]error{"Read": readErr, "Check": checkErr, "Apply": applyErr} {
		if !errors.Is(err, broken) {
			t.Errorf("%s: %v, want %v", call, err, broken)
		}
	}
	j.onLoad = nil
	if got := read(t, s, noon).Len(); got != 1 {
		t.Errorf("Len() = %d once the disk is back, want 1", got)
	}
	j.batches[noon][dot(1, 2)] = []byte("rubbish")
	if _, err := opened(t, j, 0).Read(noon); !errors.Is(err, flow.ErrCorrupt) && !errors.Is(err, flow.ErrVersion) {
		t.Errorf("Read of a damaged batch: %v, want it refused", err)
	}
}

// Slices are evicted and loaded again while batches are applied. No batch is lost or counted twice.
func TestEvictionUnderLoad(t *testing.T) {
	j := newMemJournal()
	s := opened(t, j, tight)
	const hours, writers, batches = 6, 4, 150
	var wg sync.WaitGroup
	for origin := range uint64(writers) {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(origin, 2))
			for seq := range uint64(batches) {
				h := rng.IntN(hours)
				b := batchOf(t, hourSlice(h), dot(origin, seq+1), record("all", "all", 1, 0))
				apply(t, s, b)
				if seq%3 == 0 {
					apply(t, s, b)
				}
				if r := read(t, s, hourSlice(h)); !r.Digest().Has(b.Dot) {
					t.Errorf("hour %d lacks batch %s after it was applied", h, b.Dot)
				}
			}
		})
	}
	wg.Wait()
	sum := int64(0)
	for h := range hours {
		sum += checkWhole(t, read(t, s, hourSlice(h)), 0)
		if err := s.Verify(hourSlice(h)); err != nil {
			t.Error(err)
		}
	}
	stats := s.Stats()
	if sum != writers*batches || stats.Applied != writers*batches {
		t.Errorf("%d batches in the totals, %d applied, want %d", sum, stats.Applied, writers*batches)
	}
	if stats.Evictions == 0 || stats.Loads == 0 {
		t.Errorf("Stats() = %+v, want evictions and loads", stats)
	}
}

func TestResidentBytesFollowTheWarmSlices(t *testing.T) {
	j := newMemJournal()
	s := opened(t, j, 0)
	if got := s.Stats().ResidentBytes; got != 0 {
		t.Errorf("ResidentBytes of an empty store = %d, want 0", got)
	}
	b := batchOf(t, noon, dot(1, 1), record("a", "b", 1, 1))
	apply(t, s, b)
	small := s.Stats().ResidentBytes
	newWorld(2000).fill(t, s, noon)
	const perFlow = 48 // bytes
	if got, want := s.Stats().ResidentBytes, small+2000*perFlow; got < want {
		t.Errorf("ResidentBytes = %d with 2000 flows more than at %d, want at least %d", got, small, want)
	}
	d, err := s.Digest(noon)
	if err != nil {
		t.Fatal(err)
	}
	if dropped, err := s.Drop(noon, d); !dropped || err != nil {
		t.Fatalf("Drop = %t, %v, want true", dropped, err)
	}
	if got := s.Stats().ResidentBytes; got != 0 {
		t.Errorf("ResidentBytes = %d with all dropped, want 0", got)
	}
}
