package store_test

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"flowring/flow"
	"flowring/store"
	"flowring/store/digest"
	"flowring/store/journal"
	"flowring/store/pack"
)

// packed applies batches 1 to n of an origin in one call.
func packed(t *testing.T, slice flow.Slice, n uint64, to ...*store.Store) {
	t.Helper()
	var all []flow.Written
	for seq := range n {
		b := small(t, slice, flow.Dot{Origin: 1, Seq: seq + 1})
		all = append(all, flow.Written{Batch: b, Bytes: b.Encode()})
	}
	for _, s := range to {
		if err := s.Apply(all...); err != nil {
			t.Fatal(err)
		}
	}
}

// A damaged pack makes all of its batches unreadable. Another store sends them in one frame, for a warm and for a cold
// slice. Nothing counts twice (P2, P4, P15).
func TestADamagedPackIsTakenInAgain(t *testing.T) {
	slice := flow.Slice{Hour: 7}
	for _, warm := range []bool{false, true} {
		whole, j := openStore(t, "whole", vfs.NewMem(), 0)
		defer j.Close()
		hurtJournal, err := journal.Open("hurt", journal.Options{FS: vfs.NewMem()})
		if err != nil {
			t.Fatal(err)
		}
		defer hurtJournal.Close()
		raise(t, j)
		raise(t, hurtJournal)
		bad := &badReads{Journal: hurtJournal}
		s := store.New(store.Config{}, store.Deps{Journal: bad})
		packed(t, slice, 5, whole, s)
		late := small(t, slice, flow.Dot{Origin: 2, Seq: 1})
		if err := s.Apply(flow.Written{Batch: late, Bytes: late.Encode()}); err != nil {
			t.Fatal(err)
		}
		bad.bad = map[flow.Dot]bool{}
		for seq := range uint64(5) {
			bad.bad[flow.Dot{Origin: 1, Seq: seq + 1}] = true
		}
		if !warm {
			s = restarted(t, bad)
		}
		have := wantAlone(t, s, slice, warm, late.Dot, 5)
		frames, in := 0, s.Intake(slice)
		err = whole.Missing(slice, have, func(frame []byte) error { frames++; return in.Add(frame) })
		in.Close()
		if err != nil || frames != 1 {
			t.Errorf("warm %t: Missing = %v with %d frames, want one", warm, err, frames)
		}
		wantHealed(t, s, slice, warm, 6)
		if bytes, err := s.Scrub(slice); err != nil || bytes == 0 {
			t.Errorf("warm %t: Scrub reads %d bytes, %v", warm, bytes, err)
		}
	}
}

// A pack is taken in beside batches that the store has: each counts once (P2). A store without packs gets the same
// batches one by one, and keeps them so.
func TestAPackIsTakenInBesideItsBatches(t *testing.T) {
	slice := flow.Slice{Hour: 7}
	for _, packs := range []bool{true, false} {
		from, j := openStore(t, "from", vfs.NewMem(), 0)
		defer j.Close()
		to, k := openStore(t, "to", vfs.NewMem(), 0)
		defer k.Close()
		if packs {
			raise(t, j)
			raise(t, k)
		}
		packed(t, slice, 300, from)
		packed(t, slice, 3, to)
		frames, sent, in := 0, 0, to.Intake(slice)
		err := from.Missing(slice, digest.Of(flow.Dot{Origin: 1, Seq: 2}), func(frame []byte) error {
			frames++
			sent += pack.Count(frame)
			return in.Add(frame)
		})
		in.Close()
		if want := map[bool]int{true: 2, false: 299}[packs]; err != nil || frames != want || sent != 299 {
			t.Errorf("packs %t: Missing = %v with %d batches in %d frames, want 299 in %d", packs, err, sent, frames, want)
		}
		if got := records(t, to, slice); len(got) != 1 || got[0].BytesTx != 300 {
			t.Errorf("packs %t: %v, want a total of 300", packs, got)
		}
		ours, err := to.Digest(slice)
		if theirs, failed := from.Digest(slice); failed != nil || err != nil || !ours.Equal(theirs) {
			t.Errorf("packs %t: the digests are %s (%v) and %s (%v)", packs, ours, err, theirs, failed)
		}
		cold := store.New(store.Config{}, store.Deps{Journal: k})
		if err := errors.Join(cold.Open(), cold.Verify(slice)); err != nil {
			t.Error(err)
		}
		sealed, err := cold.Seal(slice, ours, 300)
		if got := records(t, cold, slice); !sealed || err != nil || len(got) != 1 || got[0].BytesTx != 300 {
			t.Errorf("packs %t: Seal = %t, %v with %v, want a total of 300", packs, sealed, err, got)
		}
	}
}

// An Intake refuses a pack of another slice and a broken one.
func TestAnIntakeRefusesOtherPacks(t *testing.T) {
	s, j := openStore(t, "data", vfs.NewMem(), 0)
	defer j.Close()
	frame := pack.Append(nil, []*flow.Batch{small(t, flow.Slice{Hour: 8}, flow.Dot{Seq: 1}), small(t, flow.Slice{Hour: 8}, flow.Dot{Seq: 2})})
	in := s.Intake(flow.Slice{Hour: 7})
	defer in.Close()
	if err := in.Add(frame); err == nil {
		t.Error("Add of a pack of another slice = nil")
	}
	broken := s.Intake(flow.Slice{Hour: 8})
	defer broken.Close()
	if err := broken.Add(frame[:len(frame)-1]); !errors.Is(err, pack.ErrMalformed) || len(s.Slices()) > 0 {
		t.Errorf("Add of a broken pack = %v with %v, want an error and no slice", err, s.Slices())
	}
}
