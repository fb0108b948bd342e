package store

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"flowring/flow"
	"flowring/store/digest"
	"flowring/store/outline"
	"flowring/store/snapshot"
)

// sealAll seals a slice with all of its batches.
func sealAll(t testing.TB, s *Store, slice flow.Slice) bool {
	t.Helper()
	d, err := s.Digest(slice)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := s.Seal(slice, d, 1)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// give copies all missing batches of a slice from one store to another.
func give(t testing.TB, from, to *Store, slice flow.Slice) {
	t.Helper()
	if err := tryGive(from, to, slice); err != nil {
		t.Fatal(err)
	}
}

func tryGive(from, to *Store, slice flow.Slice) error {
	have, err := to.Digest(slice)
	if err != nil {
		return err
	}
	in := to.Intake(slice)
	defer in.Close()
	return from.Missing(slice, have, in.Add)
}

// frames returns the frames of Missing for the digest have.
func frames(t testing.TB, s *Store, slice flow.Slice, have digest.Digest) (all [][]byte) {
	t.Helper()
	if err := s.Missing(slice, have, func(frame []byte) error { all = append(all, bytes.Clone(frame)); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

func keyed(t testing.TB, d flow.Dot, id byte, records ...flow.Record) *flow.Batch {
	b := batchOf(t, noon, d, records...)
	b.ID, b.Key = flow.ID{id}, flow.ID{id, 1}
	return b
}

func TestSealReplacesBatchesByOneSnapshot(t *testing.T) {
	j := newMemJournal()
	s := opened(t, j, 0)
	for seq := range uint64(10) {
		apply(t, s, keyed(t, dot(1, seq+1), byte(seq+1), record("a", fmt.Sprint(seq%3), 1, 2)))
	}
	want, all := totalsByKey(read(t, s, noon)), read(t, s, noon).Digest()
	if sealed, err := s.Seal(noon, all, 11); sealed || err != nil {
		t.Errorf("Seal of at least 11 batches with 10 = %t, %v, want false", sealed, err)
	}
	if sealed, err := s.Seal(noon, digest.Of(dot(1, 1)), 1); sealed || err != nil {
		t.Errorf("Seal of another digest = %t, %v, want false", sealed, err)
	}
	if !sealAll(t, s, noon) || sealAll(t, s, noon) {
		t.Errorf("a slice is sealed once, and not again without a new batch")
	}
	if n := len(j.batches[noon]); n != 0 {
		t.Errorf("%d batches are left beside the snapshot, want none", n)
	}
	for name, s := range map[string]*Store{"warm": s, "cold": opened(t, j, 0)} {
		if got, err := s.Digest(noon); err != nil || !got.Equal(all) {
			t.Errorf("%s: Digest = %s, %v, want %s", name, got, err, all)
		}
		if got := totalsByKey(read(t, s, noon)); !maps.Equal(got, want) {
			t.Errorf("%s: totals = %v, want %v", name, got, want)
		}
		if replay, err := s.Check(written(keyed(t, dot(9, 1), 4, record("a", "0", 1, 2)))...); !replay || err != nil {
			t.Errorf("%s: Check of a sealed ID = %t, %v, want a replay", name, replay, err)
		}
		before := countedBy(s)
		apply(t, s, keyed(t, dot(1, 3), 3, record("a", "2", 1, 2)))
		if got := countedBy(s).since(before); got != isKnown {
			t.Errorf("%s: Apply of a sealed batch counts %+v, want %+v", name, got, isKnown)
		}
	}
	late := keyed(t, dot(2, 1), 99, record("late", "b", 5, 5))
	before := countedBy(s)
	apply(t, s, late)
	if got := countedBy(s).since(before); got != isNew {
		t.Errorf("Apply of a late batch counts %+v, want %+v", got, isNew)
	}
	if got := frames(t, s, noon, all); len(got) != 1 || !bytes.Equal(got[0], late.Encode()) {
		t.Errorf("Missing sends %d frames for the digest of the snapshot, want the late batch alone", len(got))
	}
	if !sealAll(t, s, noon) || len(j.drafts[noon]) != 1 {
		t.Errorf("%d snapshots are in the journal after the slice was sealed again, want 1", len(j.drafts[noon]))
	}
}

func TestConflictingSnapshotsAreRefused(t *testing.T) {
	var stores [2]*Store
	for i := range stores {
		stores[i] = opened(t, newMemJournal(), 0)
		apply(t, stores[i], batchOf(t, noon, dot(1, 1), record("both", "b", 1, 1)))
		apply(t, stores[i], batchOf(t, noon, dot(2, uint64(i+1)), record("one", "b", 1, 1)))
		sealAll(t, stores[i], noon)
	}
	before := read(t, stores[1], noon)
	if err := tryGive(stores[0], stores[1], noon); !errors.Is(err, ErrConflict) {
		t.Errorf("a snapshot that lacks a sealed batch: %v, want %v", err, ErrConflict)
	}
	after, known := read(t, stores[1], noon), outline.Known{Digest: before.Digest(), View: &before.View}
	if difference := known.Difference(&after.View, after.Digest(), after.Totals()); difference != "" {
		t.Errorf("after a refused snapshot: %s", difference)
	}
	if err := stores[1].Verify(noon); err != nil {
		t.Error(err)
	}
}

func TestAnIncompleteSnapshotLeavesNothing(t *testing.T) {
	from, j := opened(t, newMemJournal(), 0), newMemJournal()
	for seq := range uint64(5) {
		apply(t, from, keyed(t, dot(1, seq+1), byte(seq+1), record("a", fmt.Sprint(seq), 1, 1)))
	}
	sealAll(t, from, noon)
	all := frames(t, from, noon, digest.Digest{})
	if len(all) != 3 {
		t.Fatalf("a snapshot of keyed batches has %d frames, want a head, IDs and flows", len(all))
	}
	to := opened(t, j, 0)
	apply(t, to, batchOf(t, noon, dot(7, 7), record("own", "b", 1, 1)))
	in := to.Intake(noon)
	for _, frame := range all[:2] {
		if err := in.Add(frame); err != nil {
			t.Fatal(err)
		}
	}
	d, _ := to.Digest(noon)
	if dropped, err := to.Drop(noon, d); dropped || err != nil {
		t.Errorf("Drop while a snapshot comes in = %t, %v, want false", dropped, err)
	}
	in.Close()
	if n := len(j.drafts[noon]); n != 0 {
		t.Errorf("%d drafts are left, want none", n)
	}
	give(t, from, to, noon)
	if got := read(t, to, noon); got.Len() != 6 || got.Digest().Count() != 6 {
		t.Errorf("%d flows of %d batches once it came in whole, want 6 of 6", got.Len(), got.Digest().Count())
	}
	if got := to.Stats().Snapshots; got != 1 {
		t.Errorf("Snapshots = %d, want 1", got)
	}
}

func TestDamagedSnapshotsAreRefused(t *testing.T) {
	from := opened(t, newMemJournal(), 0)
	apply(t, from, keyed(t, dot(1, 1), 1, record("a", "b", 1, 1)))
	sealAll(t, from, noon)
	all := frames(t, from, noon, digest.Digest{})
	stray := batchOf(t, noon, dot(1, 2), record("a", "b", 1, 1)).Encode()
	for name, damaged := range map[string][][]byte{
		"a flipped bit in the head":       {flipped(all[0]), all[1], all[2]},
		"a flipped bit in the IDs":        {all[0], flipped(all[1]), all[2]},
		"a flipped bit in the flows":      {all[0], all[1], flipped(all[2])},
		"a batch in the place of a piece": {all[0], all[1], stray},
		"a head in the place of a piece":  {all[0], all[0]},
		"no frame at all":                 {nil},
	} {
		to := opened(t, newMemJournal(), 0)
		in := to.Intake(noon)
		var err error
		for _, frame := range damaged {
			err = errors.Join(err, in.Add(frame))
		}
		in.Close()
		if err == nil || read(t, to, noon).Len() != 0 {
			t.Errorf("%s: error %v and %d flows, want an error and none", name, err, read(t, to, noon).Len())
		}
	}
	j := newMemJournal()
	s := opened(t, j, 0)
	give(t, from, s, noon)
	j.drafts[noon][j.heads[noon].draft] = j.drafts[noon][j.heads[noon].draft][:1]
	if _, err := opened(t, j, 0).Read(noon); !errors.Is(err, snapshot.ErrMalformed) {
		t.Errorf("Read of a snapshot that lacks a piece: %v, want %v", err, snapshot.ErrMalformed)
	}
}

func flipped(frame []byte) []byte {
	frame = bytes.Clone(frame)
	frame[len(frame)-1] ^= 1
	return frame
}

// Batches that arrive while a slice is sealed and copied many times are neither lost nor counted twice.
func TestSealUnderLoad(t *testing.T) {
	j := newMemJournal()
	s, other := opened(t, j, 0), opened(t, newMemJournal(), 0)
	const writers, batches = 4, 200
	var wg, sealing sync.WaitGroup
	var sealed, written atomic.Int64
	for origin := range uint64(writers) {
		wg.Go(func() { // it goes on until a seal has got in between
			for seq := uint64(0); seq < batches || sealed.Load() == 0 && !t.Failed(); seq++ {
				apply(t, s, batchOf(t, noon, dot(origin, seq+1), record("all", "all", 1, 0)))
				written.Add(1)
			}
		})
	}
	stop := make(chan struct{})
	sealing.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if sealAll(t, s, noon) {
					sealed.Add(1)
				}
			}
		}
	})
	sealing.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if err := tryGive(s, other, noon); err != nil && !errors.Is(err, errInUse) {
					t.Error(err)
				}
			}
		}
	})
	wg.Wait()
	close(stop)
	sealing.Wait()
	sealAll(t, s, noon)
	give(t, s, other, noon)
	for name, s := range map[string]*Store{"sealed": s, "given": other} {
		if sum := checkWhole(t, read(t, s, noon), 0); sum != written.Load() {
			t.Errorf("%s: %d batches in the totals, want %d", name, sum, written.Load())
		}
		if err := s.Verify(noon); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestQuietFindsSlicesWithoutNewBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemJournal()
		s := opened(t, j, 0)
		apply(t, s, batchOf(t, hourSlice(1), dot(1, 1), record("a", "b", 1, 1)))
		apply(t, s, batchOf(t, hourSlice(1), dot(1, 2), record("a", "b", 1, 1)))
		time.Sleep(time.Minute)
		apply(t, s, batchOf(t, hourSlice(2), dot(1, 1), record("a", "b", 1, 1)))
		time.Sleep(time.Minute)
		one, two := hourSlice(1), hourSlice(2)
		for _, test := range []struct {
			while   time.Duration
			batches int
			want    []flow.Slice
		}{
			{time.Second, 1, []flow.Slice{one, two}},
			{90 * time.Second, 1, []flow.Slice{one}},
			{time.Second, 2, []flow.Slice{one}},
			{time.Hour, 1, nil},
		} {
			if got := s.Quiet(test.while, test.batches); !slices.Equal(got, test.want) {
				t.Errorf("Quiet(%s, %d) = %v, want %v", test.while, test.batches, got, test.want)
			}
		}
		sealAll(t, s, one)
		if got := s.Quiet(time.Second, 1); !slices.Equal(got, []flow.Slice{two}) {
			t.Errorf("Quiet once hour 1 is sealed = %v, want hour 2", got)
		}
	})
}

// Seal leaves a slice that stays in use as it is, and the other users of the slice continue.
func TestSealLeavesASliceInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := opened(t, newMemJournal(), 0)
		apply(t, s, batchOf(t, noon, dot(1, 1), record("a", "b", 1, 1)))
		h, err := s.pinLoaded(noon, false)
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if sealAll(t, s, noon) || time.Since(begin) != unpinWait {
			t.Errorf("a pinned slice: sealed or given up after %s, want given up after %s", time.Since(begin), unpinWait)
		}
		go func() { time.Sleep(unpinWait / 2); s.releaseLoaded(h) }()
		if !sealAll(t, s, noon) {
			t.Error("a slice that is released soon is not sealed")
		}
	})
}

// A snapshot that arrives during a drop of its slice is complete, because the drop must not remove its first pieces.
func TestASnapshotThatArrivesDuringADropIsComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, j := opened(t, newMemJournal(), 0), newMemJournal()
		apply(t, from, keyed(t, dot(1, 1), 1, record("a", "b", 1, 1)))
		sealAll(t, from, noon)
		to := opened(t, j, 0)
		apply(t, to, batchOf(t, noon, dot(2, 1), record("c", "d", 1, 1)))
		d, err := to.Digest(noon)
		if err != nil {
			t.Fatal(err)
		}
		all := frames(t, from, noon, digest.Digest{})
		j.onDrop = func() error { time.Sleep(time.Second); return nil }
		go func() {
			if dropped, err := to.Drop(noon, d); !dropped || err != nil {
				t.Errorf("Drop = %t, %v, want true", dropped, err)
			}
		}()
		synctest.Wait()
		in := to.Intake(noon)
		defer in.Close()
		for _, frame := range all {
			if err := in.Add(frame); err != nil {
				t.Fatal(err)
			}
		}
		if r, err := to.Read(noon); err != nil || r.Len() != 1 {
			t.Errorf("Read after it came in = %v, want its one flow", err)
		}
	})
}
