package store

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/store/digest"
)

// old is a slice that expires in the tests, and floor is the hour of noon.
var old = flow.Slice{Hour: 5}

const floor = 12

// none is no erased hour.
func none(flow.Hour) bool { return false }

// withOld returns a store with batches of old and of noon.
func withOld(t *testing.T, j Journal, disabled safeguard.Set) *Store {
	t.Helper()
	s := New(Config{Disabled: disabled}, Deps{Journal: j})
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	for _, slice := range []flow.Slice{old, noon} {
		apply(t, s, batchOf(t, slice, dot(1, 1), record("a", "b", 1, 2)), batchOf(t, slice, dot(1, 2), record("a", "b", 1, 2)))
	}
	return s
}

// callsOf returns every call of a store about a slice.
func callsOf(t *testing.T, s *Store, slice flow.Slice) map[string]error {
	t.Helper()
	fresh := written(batchOf(t, slice, dot(9, 9), record("a", "b", 1, 2)))
	in := s.Intake(slice)
	defer in.Close()
	errs := map[string]error{"Apply": s.Apply(fresh...), "Intake": in.Add(fresh[0].Bytes), "Verify": s.Verify(slice)}
	_, errs["Read"] = s.Read(slice)
	_, errs["Digest"] = s.Digest(slice)
	_, _, errs["Totals"] = s.Totals(slice)
	_, errs["Check"] = s.Check(fresh...)
	_, errs["Drop"] = s.Drop(slice, digest.Digest{})
	_, errs["Seal"] = s.Seal(slice, digest.Digest{}, 1)
	errs["Missing"] = s.Missing(slice, digest.Digest{}, func([]byte) error { return nil })
	return errs
}

// P4, P5: a store says "expired" of an hour below its floor. It never says that it holds nothing, and it takes no batch.
func TestExpiredHoursAreRefused(t *testing.T) {
	s := withOld(t, newMemJournal(), 0)
	s.Expire(floor, none)
	for _, when := range []string{"before the deletion", "after it"} {
		for call, err := range callsOf(t, s, old) {
			if !errors.Is(err, contract.Expired) {
				t.Errorf("%s of an expired hour %s: %v, want %v", call, when, err, contract.Expired)
			}
		}
		if got := s.Slices(); !slices.Equal(got, []flow.Slice{noon}) {
			t.Errorf("Slices() = %v %s, want the hour at the floor alone", got, when)
		}
		if got := s.Quiet(0, 1); !slices.Equal(got, []flow.Slice{noon}) {
			t.Errorf("Quiet() = %v %s, want the hour at the floor alone", got, when)
		}
		sweep(t, s, false)
	}
	for call, err := range callsOf(t, s, noon) {
		if err != nil {
			t.Errorf("%s of the hour at the floor: %v", call, err)
		}
	}
}

// sweep sweeps, and checks whether hours are left.
func sweep(t *testing.T, s *Store, wantLeft bool) (deleted int) {
	t.Helper()
	deleted, left, err := s.Sweep()
	if err != nil || left != wantLeft {
		t.Errorf("Sweep() = %d, left: %t, %v, want left: %t", deleted, left, err, wantLeft)
	}
	return deleted
}

// holds reports whether a journal in memory has a key of a slice.
func (j *memJournal) holds(slice flow.Slice) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	_, head := j.heads[slice]
	return len(j.batches[slice]) > 0 || head || len(j.drafts[slice]) > 0 || j.totals[slice] != nil
}

func TestSweepFreesMemoryAndDisk(t *testing.T) {
	j := newMemJournal()
	s := withOld(t, j, 0)
	sealAll(t, s, old)
	apply(t, s, batchOf(t, old, dot(2, 1), record("a", "b", 1, 2)))
	before := s.Stats()
	s.Expire(floor, none)
	s.Expire(3, none) // a floor never falls
	if got := sweep(t, s, false); got != 1 {
		t.Errorf("Sweep() = %d, want the one slice", got)
	}
	after := s.Stats()
	if after.ResidentBytes >= before.ResidentBytes || after.Slices != 1 || after.Expired != 1 {
		t.Errorf("stats after the deletion = %+v, before %+v, want one slice and fewer bytes", after, before)
	}
	if j.holds(old) || !j.holds(noon) {
		t.Errorf("the journal holds the expired hour: %t, the other one: %t, want the other one alone", j.holds(old), j.holds(noon))
	}
	j.onDrop = func() error { t.Error("a sweep with nothing to delete wrote to the journal"); return nil }
	sweep(t, s, false)
}

// A crash between the floor and the deletion: the next process refuses the hour at once, and deletes it.
func TestADeletionGoesOnAfterARestart(t *testing.T) {
	j := newMemJournal()
	s := withOld(t, j, 0)
	j.onDrop = func() error { return errors.New("the disk is full") }
	s.Expire(floor, none)
	if _, left, err := s.Sweep(); err == nil || !left {
		t.Errorf("Sweep() on a full disk: left: %t, %v, want an error", left, err)
	}
	if _, err := s.Digest(old); !errors.Is(err, contract.Expired) {
		t.Errorf("Digest after a failed deletion: %v, want %v", err, contract.Expired)
	}
	j.onDrop = nil
	s = opened(t, j, 0)
	s.Expire(floor, none)
	if got := sweep(t, s, false); got != 1 || j.holds(old) {
		t.Errorf("Sweep() after a restart = %d, the journal holds the hour: %t, want 1 and false", got, j.holds(old))
	}
}

// P4: an Apply that began before the floor rose leaves nothing behind the deletion.
func TestADeletionWaitsForAppliesUnderWay(t *testing.T) {
	j := newMemJournal()
	s := withOld(t, j, 0)
	j.onAppend = func(flow.Dot) error {
		s.Expire(floor, none)
		sweep(t, s, true)
		return nil
	}
	if err := s.Apply(written(batchOf(t, old, dot(3, 1), record("a", "b", 1, 2)))...); err != nil {
		t.Error(err)
	}
	j.onAppend = nil
	if got := sweep(t, s, false); got != 1 || j.holds(old) {
		t.Errorf("Sweep() = %d, the journal holds the hour: %t, want 1 and false", got, j.holds(old))
	}
}

// stagingJournal calls a hook before each piece of a draft.
type stagingJournal struct {
	*memJournal
	onStage func()
}

func (j *stagingJournal) Stage(s flow.Slice, draft uint64, piece uint32, data []byte) error {
	j.onStage()
	return j.memJournal.Stage(s, draft, piece, data)
}

// P4: a snapshot that is being made, or taken in, while its hour expires is given up.
func TestSnapshotsOfExpiredHoursAreGivenUp(t *testing.T) {
	source := withOld(t, newMemJournal(), 0)
	sealAll(t, source, old)
	for name, write := range map[string]func(*Store) error{
		"seal": func(s *Store) error {
			d, err := s.Digest(old)
			if err == nil {
				_, err = s.Seal(old, d, 1)
			}
			return err
		},
		"intake": func(s *Store) error {
			in := s.Intake(old)
			defer in.Close()
			return source.Missing(old, digest.Digest{}, in.Add)
		},
	} {
		j := &stagingJournal{newMemJournal(), func() {}}
		s := New(Config{}, Deps{Journal: j})
		if name == "seal" {
			s = withOld(t, j, 0)
		}
		j.onStage = func() {
			s.Expire(floor, none)
			sweep(t, s, true)
		}
		if err := write(s); !errors.Is(err, contract.Expired) {
			t.Errorf("%s during which the hour expires: %v, want %v", name, err, contract.Expired)
		}
		sweep(t, s, false)
		if j.holds(old) {
			t.Errorf("the journal holds the expired hour after %s", name)
		}
	}
}

// The negative control of the tests above: without the look at the floor, a late batch and a late snapshot stay.
func TestWithoutAFloorExpiredHoursReturn(t *testing.T) {
	j := &stagingJournal{newMemJournal(), func() {}}
	s := withOld(t, j, safeguard.StoreFloor)
	d, err := s.Digest(old)
	if err != nil {
		t.Fatal(err)
	}
	j.onStage = func() { s.Expire(floor, none) }
	if sealed, err := s.Seal(old, d, 1); !sealed || err != nil {
		t.Errorf("Seal() = %t, %v, want a snapshot of the expired hour", sealed, err)
	}
	sweep(t, s, false)
	if d, err := s.Digest(old); !d.Empty() || err != nil {
		t.Errorf("Digest() = %v, %v, want the answer that the store holds nothing", d, err)
	}
	apply(t, s, batchOf(t, old, dot(1, 1), record("a", "b", 1, 2)))
	if !slices.Contains(slices.Collect(maps.Keys(j.batches)), old) {
		t.Error("the expired hour has not returned")
	}
}

// P4, P5: an erased hour above the floor is refused like one below it, and is deleted without its neighbours.
func TestErasedHoursAreRefusedAndDeleted(t *testing.T) {
	for name, disabled := range map[string]safeguard.Set{"with the safeguard": 0, "negative control: stores ignore marks": safeguard.StoreFloor} {
		t.Run(name, func(t *testing.T) {
			j := newMemJournal()
			s := withOld(t, j, disabled)
			sealAll(t, s, old)
			s.Expire(3, func(h flow.Hour) bool { return h == old.Hour })
			for call, err := range callsOf(t, s, old) {
				if refused := errors.Is(err, contract.Expired); refused != (disabled == 0) {
					t.Errorf("%s of an erased hour: %v, want %v", call, err, contract.Expired)
				}
			}
			if disabled != 0 {
				return
			}
			deleted, left, err := s.SweepErased()
			if !slices.Equal(deleted, []flow.Slice{old}) || left || err != nil {
				t.Errorf("SweepErased() = %v, left: %t, %v, want %v", deleted, left, err, old)
			}
			if j.holds(old) || !j.holds(noon) {
				t.Errorf("the journal holds the erased hour: %t, the other one: %t, want the other one alone", j.holds(old), j.holds(noon))
			}
			for call, err := range callsOf(t, s, noon) {
				if err != nil {
					t.Errorf("%s of another hour: %v", call, err)
				}
			}
		})
	}
}

// An erased hour in use is left for a later sweep, and so is one whose deletion fails.
func TestTheDeletionOfErasedHoursIsRepeated(t *testing.T) {
	j := newMemJournal()
	s := withOld(t, j, 0)
	e, err := s.pinLoaded(old, false)
	if err != nil {
		t.Fatal(err)
	}
	s.Expire(3, func(h flow.Hour) bool { return h == old.Hour })
	if deleted, left, err := s.SweepErased(); len(deleted) > 0 || !left || err != nil {
		t.Errorf("SweepErased() of an hour in use = %v, left: %t, %v, want none, left", deleted, left, err)
	}
	s.releaseLoaded(e)
	j.onDrop = func() error { return errors.New("the disk is full") }
	if deleted, left, err := s.SweepErased(); len(deleted) > 0 || !left || err == nil {
		t.Errorf("SweepErased() on a failing disk = %v, left: %t, %v, want an error", deleted, left, err)
	}
	j.onDrop = nil
	if deleted, left, err := s.SweepErased(); len(deleted) != 1 || left || err != nil || j.holds(old) {
		t.Errorf("SweepErased() = %v, left: %t, %v, and the journal holds the hour: %t, want it deleted", deleted, left, err, j.holds(old))
	}
}
