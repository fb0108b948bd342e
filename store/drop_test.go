package store

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"flowring/flow"
	"flowring/store/digest"
)

func TestDropNeedsTheExactDigest(t *testing.T) {
	for _, cold := range []bool{false, true} {
		j := newMemJournal()
		s := opened(t, j, 0)
		apply(t, s, batchOf(t, noon, dot(1, 1), record("a", "b", 1, 1)))
		apply(t, s, batchOf(t, noon, dot(1, 2), record("a", "b", 1, 1)))
		if cold {
			s = opened(t, j, 0)
		}
		for _, d := range []digest.Digest{{}, digest.Of(dot(1, 1)), digest.Of(dot(1, 1), dot(1, 2), dot(1, 3))} {
			if dropped, err := s.Drop(noon, d); dropped || err != nil {
				t.Errorf("Drop with %s = %t, %v, want false, nil", d, dropped, err)
			}
		}
		if got := read(t, s, noon).Digest().Count(); got != 2 {
			t.Errorf("batches after refused Drops = %d, want 2", got)
		}
		if dropped, err := s.Drop(noon, digest.Of(dot(1, 1), dot(1, 2))); !dropped || err != nil {
			t.Errorf("Drop = %t, %v, want true, nil", dropped, err)
		}
		if got := s.Slices(); len(got) != 0 || len(j.batches) != 0 {
			t.Errorf("Slices() = %v after Drop, %d in the journal, want none", got, len(j.batches))
		}
		if dropped, err := s.Drop(noon, digest.Of(dot(1, 1), dot(1, 2))); dropped || err != nil {
			t.Errorf("Drop again = %t, %v, want false, nil", dropped, err)
		}
	}
}

// A batch that is being written to the journal is not in the digest yet. It must not be dropped with the other batches.
func TestDropSparesABatchThatIsBeingWritten(t *testing.T) {
	j := newMemJournal()
	s := opened(t, j, 0)
	apply(t, s, batchOf(t, noon, dot(1, 1), record("a", "b", 1, 1)))
	j.onAppend = func(flow.Dot) error {
		if dropped, err := s.Drop(noon, digest.Of(dot(1, 1))); dropped || err != nil {
			t.Errorf("Drop during an Apply = %t, %v, want false, nil", dropped, err)
		}
		return nil
	}
	apply(t, s, batchOf(t, noon, dot(1, 2), record("a", "b", 1, 1)))
	if got := read(t, s, noon).Digest(); !got.Equal(digest.Of(dot(1, 1), dot(1, 2))) {
		t.Errorf("Digest() = %s, want both batches", got)
	}
}

// Every acknowledged batch is in the store, unless it was in a dropped digest.
func TestDropRacingApplyLosesNothing(t *testing.T) {
	j := newMemJournal()
	s := opened(t, j, 0)
	const writers, batches = 4, 300 // or more, until something was dropped
	var wg, dropper sync.WaitGroup
	var done atomic.Bool
	var applied, drops atomic.Int64
	var gone digest.Digest
	dropper.Go(func() {
		for !done.Load() {
			d, err := s.Digest(noon)
			if err != nil {
				t.Error(err)
			}
			dropped, err := s.Drop(noon, d)
			if err != nil {
				t.Error(err)
			}
			if dropped {
				gone = gone.Union(d)
				drops.Add(1)
			}
		}
	})
	for origin := range uint64(writers) {
		wg.Go(func() {
			for seq := uint64(0); seq < batches || drops.Load() == 0; seq++ {
				apply(t, s, batchOf(t, noon, dot(origin, seq+1), record("all", "all", 1, 0)))
				applied.Add(1)
				runtime.Gosched()
			}
		})
	}
	wg.Wait()
	done.Store(true)
	dropper.Wait()
	here := read(t, s, noon).Digest()
	if got := gone.Union(here).Count(); got != uint64(applied.Load()) {
		t.Errorf("%d batches are here or were dropped, want %d", got, applied.Load())
	}
	inJournal := digest.Of(j.dots(noon)...)
	if !inJournal.Equal(here) {
		t.Errorf("the journal has %s, memory %s", inJournal, here)
	}
	if here.Count() > 0 {
		if err := s.Verify(noon); err != nil {
			t.Error(err)
		}
	}
}

func TestFailedDropReadsTheJournalAgain(t *testing.T) {
	j, broken := newMemJournal(), errors.New("disk is gone")
	s := opened(t, j, 0)
	apply(t, s, batchOf(t, noon, dot(1, 1), record("a", "b", 1, 1)))
	j.onDrop = func() error { return broken }
	if dropped, err := s.Drop(noon, digest.Of(dot(1, 1))); dropped || !errors.Is(err, broken) {
		t.Errorf("Drop = %t, %v, want false, %v", dropped, err, broken)
	}
	j.batches[noon][dot(1, 2)] = batchOf(t, noon, dot(1, 2), record("a", "b", 1, 1)).Encode()
	if got := read(t, s, noon).Digest(); !got.Equal(digest.Of(dot(1, 1), dot(1, 2))) {
		t.Errorf("Digest() = %s, want the batches of the journal", got)
	}
}
