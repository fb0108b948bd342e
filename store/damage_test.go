package store_test

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"flowring/flow"
	"flowring/store"
	"flowring/store/digest"
	"flowring/store/journal"
)

// badReads is a journal with batches that are unreadable until they are written again.
type badReads struct {
	*journal.Journal
	bad      map[flow.Dot]bool
	snapshot bool // the pieces of the snapshot cannot be read until another snapshot takes its place
	index    bool // the dots cannot be read
}

func (j *badReads) Get(s flow.Slice, d flow.Dot) ([]byte, error) {
	if j.bad[d] {
		return nil, journal.ErrCorrupt
	}
	return j.Journal.Get(s, d)
}

// Load fails from the first damage on, because the damaged file stays.
func (j *badReads) Load(s flow.Slice, fn func([]byte) error) error {
	if j.bad != nil {
		return journal.ErrCorrupt
	}
	return j.Journal.Load(s, fn)
}

func (j *badReads) Pieces(s flow.Slice, fn func([]byte) error) error {
	if j.snapshot {
		return journal.ErrCorrupt
	}
	return j.Journal.Pieces(s, fn)
}

func (j *badReads) Adopt(s flow.Slice, draft uint64, head []byte, covers digest.Digest) error {
	err := j.Journal.Adopt(s, draft, head, covers)
	j.snapshot = j.snapshot && err != nil
	return err
}

func (j *badReads) Dots(s flow.Slice, fn func(flow.Dot) error) error {
	if j.index {
		return journal.ErrCorrupt
	}
	return j.Journal.Dots(s, fn)
}

func (j *badReads) Append(batches ...flow.Written) error {
	for _, b := range batches {
		delete(j.bad, b.Dot)
	}
	return j.Journal.Append(batches...)
}

// An unreadable batch is in no digest, and Missing skips it. Intake takes it in again, for a warm and for a cold
// slice. Nothing counts twice (P2, P4, P15).
func TestUnreadableBatchesAreTakenInAgain(t *testing.T) {
	slice := flow.Slice{Hour: 7}
	for _, warm := range []bool{false, true} {
		whole, j := openStore(t, "whole", vfs.NewMem(), 0)
		defer j.Close()
		hurtJournal, err := journal.Open("hurt", journal.Options{FS: vfs.NewMem()})
		if err != nil {
			t.Fatal(err)
		}
		defer hurtJournal.Close()
		bad := &badReads{Journal: hurtJournal}
		s := store.New(store.Config{}, store.Deps{Journal: bad})
		for seq := range uint64(5) {
			b := small(t, slice, flow.Dot{Origin: 1, Seq: seq + 1})
			for _, to := range []*store.Store{whole, s} {
				if err := to.Apply(flow.Written{Batch: b, Bytes: b.Encode()}); err != nil {
					t.Fatal(err)
				}
			}
		}
		bad.bad = map[flow.Dot]bool{{Origin: 1, Seq: 2}: true, {Origin: 1, Seq: 4}: true}
		if !warm {
			s = restarted(t, bad)
		}
		if _, err := s.Scrub(slice); err != nil || s.Unreadable(slice) != 2 || s.AllUnreadable() != 2 || s.Stats().Unreadable != 2 {
			t.Errorf("warm %t: Scrub = %v, %d unreadable, want 2", warm, err, s.Unreadable(slice))
		}
		have, err := s.Digest(slice)
		if err != nil || have.Count() != 3 {
			t.Errorf("warm %t: Digest = %s, %v, want the 3 readable batches", warm, have, err)
		}
		given := 0
		if err := s.Missing(slice, digest.Digest{}, func([]byte) error { given++; return nil }); err != nil || given != 3 {
			t.Errorf("warm %t: Missing gives %d, %v, want 3", warm, given, err)
		}
		if dropped, err := s.Drop(slice, have); dropped || err != nil {
			t.Errorf("warm %t: Drop = %t, %v, want the damaged slice to stay", warm, dropped, err)
		}
		if _, err := s.Read(slice); !warm && !errors.Is(err, store.ErrUnreadable) {
			t.Errorf("Read of a damaged cold slice = %v, want %v", err, store.ErrUnreadable)
		}
		more := small(t, slice, flow.Dot{Origin: 1, Seq: 9}) // came meanwhile
		if err := whole.Apply(flow.Written{Batch: more, Bytes: more.Encode()}); err != nil {
			t.Fatal(err)
		}
		in := s.Intake(slice)
		if err := whole.Missing(slice, have, in.Add); err != nil {
			t.Errorf("warm %t: Intake: %v", warm, err)
		}
		in.Close()
		wantHealed(t, s, slice, warm, 6)
	}
}

// Missing finds damage without a Scrub before it, and sends the readable batches.
func TestMissingFindsDamageAndSendsTheReadableBatches(t *testing.T) {
	slice := flow.Slice{Hour: 7}
	j, err := journal.Open("data", journal.Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	bad := &badReads{Journal: j}
	s := store.New(store.Config{}, store.Deps{Journal: bad})
	for seq := range uint64(3) {
		b := small(t, slice, flow.Dot{Origin: 1, Seq: seq + 1})
		if err := s.Apply(flow.Written{Batch: b, Bytes: b.Encode()}); err != nil {
			t.Fatal(err)
		}
	}
	bad.bad = map[flow.Dot]bool{{Origin: 1, Seq: 2}: true}
	given := 0
	err = s.Missing(slice, digest.Digest{}, func([]byte) error { given++; return nil })
	if !errors.Is(err, store.ErrUnreadable) || given != 2 || s.Unreadable(slice) != 1 {
		t.Errorf("Missing gives %d, %v, with %d unreadable, want 2, an error, 1", given, err, s.Unreadable(slice))
	}
}

// restarted returns a store of a journal, as after a restart: its slices are cold.
func restarted(t *testing.T, j store.Journal) *store.Store {
	t.Helper()
	s := store.New(store.Config{}, store.Deps{Journal: j})
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	return s
}

// wantAlone checks that a scrub finds unreadable batches in a slice, beside one readable batch. It returns the digest.
func wantAlone(
	t *testing.T, s *store.Store, slice flow.Slice, warm bool, readable flow.Dot, unreadable uint64,
) digest.Digest {
	t.Helper()
	if _, err := s.Scrub(slice); err != nil || s.Unreadable(slice) != unreadable {
		t.Errorf("warm %t: Scrub = %v, %d unreadable, want %d", warm, err, s.Unreadable(slice), unreadable)
	}
	have, err := s.Digest(slice)
	if err != nil || !have.Equal(digest.Of(readable)) {
		t.Errorf("warm %t: Digest = %s, %v, want %s alone", warm, have, err, readable)
	}
	return have
}

// wantHealed checks that a slice is readable, and that its one flow has the total.
func wantHealed(t *testing.T, s *store.Store, slice flow.Slice, warm bool, total int64) {
	t.Helper()
	if err := s.Verify(slice); err != nil || s.AllUnreadable() != 0 {
		t.Errorf("warm %t: Verify = %v with %d unreadable, want none", warm, err, s.AllUnreadable())
	}
	if got := records(t, s, slice); len(got) != 1 || got[0].BytesTx != total {
		t.Errorf("warm %t: %v, want a total of %d", warm, got, total)
	}
}

// The digest of a slice with a damaged snapshot has no batch of the snapshot. Intake takes the snapshot in again from
// another store, for a warm and for a cold slice. Nothing counts twice (P2, P4, P15).
func TestADamagedSnapshotIsTakenInAgain(t *testing.T) {
	slice := flow.Slice{Hour: 7}
	for _, warm := range []bool{false, true} {
		whole, j := openStore(t, "whole", vfs.NewMem(), 0)
		defer j.Close()
		hurtJournal, err := journal.Open("hurt", journal.Options{FS: vfs.NewMem()})
		if err != nil {
			t.Fatal(err)
		}
		defer hurtJournal.Close()
		bad := &badReads{Journal: hurtJournal}
		s := store.New(store.Config{}, store.Deps{Journal: bad})
		for seq := range uint64(3) {
			b := small(t, slice, flow.Dot{Origin: 1, Seq: seq + 1})
			for _, to := range []*store.Store{whole, s} {
				if err := to.Apply(flow.Written{Batch: b, Bytes: b.Encode()}); err != nil {
					t.Fatal(err)
				}
			}
		}
		all, err := s.Digest(slice)
		if err != nil {
			t.Fatal(err)
		}
		for _, sealed := range []*store.Store{whole, s} {
			if done, err := sealed.Seal(slice, all, 1); !done || err != nil {
				t.Fatalf("Seal = %t, %v", done, err)
			}
		}
		late := small(t, slice, flow.Dot{Origin: 1, Seq: 4}) // on top of the snapshot, at one store alone
		if err := s.Apply(flow.Written{Batch: late, Bytes: late.Encode()}); err != nil {
			t.Fatal(err)
		}
		bad.snapshot = true
		if !warm {
			s = restarted(t, bad)
		}
		have := wantAlone(t, s, slice, warm, late.Dot, 3)
		given := 0
		if err := s.Missing(slice, digest.Digest{}, func([]byte) error { given++; return nil }); err != nil || given != 1 {
			t.Errorf("warm %t: Missing gives %d frames, %v, want the late batch alone", warm, given, err)
		}
		in := s.Intake(slice)
		if err := whole.Missing(slice, have, in.Add); err != nil {
			t.Errorf("warm %t: Intake: %v", warm, err)
		}
		in.Close()
		wantHealed(t, s, slice, warm, 4)
	}
}

// Damage to the dots is an error of Scrub, because no other store can repair it.
func TestScrubReadsTheIndex(t *testing.T) {
	slice := flow.Slice{Hour: 7}
	j, err := journal.Open("data", journal.Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	bad := &badReads{Journal: j}
	s := store.New(store.Config{}, store.Deps{Journal: bad})
	b := small(t, slice, flow.Dot{Origin: 1, Seq: 1})
	if err := s.Apply(flow.Written{Batch: b, Bytes: b.Encode()}); err != nil {
		t.Fatal(err)
	}
	bad.index = true
	if _, err := s.Scrub(slice); !errors.Is(err, store.ErrUnreadable) || s.AllUnreadable() != 0 {
		t.Errorf("Scrub = %v with %d batches unreadable, want %v and none", err, s.AllUnreadable(), store.ErrUnreadable)
	}
}

// small returns a batch of one flow of one byte.
func small(t *testing.T, slice flow.Slice, d flow.Dot) *flow.Batch {
	t.Helper()
	p, err := flow.AddUp([]flow.Record{{Key: flow.Key{SrcApp: "a", DestApp: "b", VPCID: "v"}, Totals: flow.Totals{BytesTx: 1}, Hour: slice.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	p.Batches[0].Slice, p.Batches[0].Dot = slice, d
	return p.Batches[0]
}
