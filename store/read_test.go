package store

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"flowring/flow"
	"flowring/store/digest"
	"flowring/store/totals"
)

func TestReadingDoesNotChange(t *testing.T) {
	s := New(Config{}, Deps{})
	apply(t, s, batchOf(t, noon, dot(1, 1), record("b", "c", 1, 1), record("a", "b", 5, 5)))
	r := read(t, s, noon)
	apply(t, s, batchOf(t, noon, dot(1, 2), record("a", "b", 1, 1), record("0", "new", 1, 1)))
	want := []flow.Record{record("a", "b", 5, 5), record("b", "c", 1, 1)}
	for i := range want {
		want[i].Hour = noon.Hour
	}
	if got := slices.Collect(r.Records()); !slices.Equal(got, want) || r.Len() != 2 {
		t.Errorf("Records() = %v, want %v", got, want)
	}
	if got := r.Digest(); !got.Equal(digest.Of(dot(1, 1))) {
		t.Errorf("Digest() = %s, want %s", got, digest.Of(dot(1, 1)))
	}
}

func TestReadOfNothingIsEmpty(t *testing.T) {
	s := opened(t, newMemJournal(), 0)
	if r := read(t, s, noon); r.Len() != 0 || !r.Digest().Empty() || slices.Collect(r.Records()) != nil {
		t.Errorf("a reading of an unknown slice has %d flows, want 0", r.Len())
	}
	if d, err := s.Digest(noon); err != nil || !d.Empty() {
		t.Errorf("Digest of an unknown slice = %s, %v, want none", d, err)
	}
	if err := s.Missing(noon, digest.Digest{}, func([]byte) error { return errors.New("called") }); err != nil {
		t.Errorf("Missing of an unknown slice: %v, want nil", err)
	}
	if err := s.Verify(noon); err != nil {
		t.Errorf("Verify of an unknown slice: %v, want nil", err)
	}
	if got := s.Slices(); len(got) != 0 {
		t.Errorf("Slices() = %v, want none", got)
	}
}

func TestMissingSendsTheBatchesOutsideOfADigest(t *testing.T) {
	j := newMemJournal()
	s := opened(t, j, 0)
	for seq := range uint64(5) {
		apply(t, s, batchOf(t, noon, dot(seq%2, seq), record("a", "b", 1, 1)))
	}
	var got []flow.Dot
	err := s.Missing(noon, digest.Of(dot(0, 0), dot(0, 4), dot(8, 8)), func(encoded []byte) error {
		b, err := flow.ParseBatch(encoded)
		if err == nil {
			got = append(got, b.Dot)
		}
		return err
	})
	if want := []flow.Dot{dot(0, 2), dot(1, 1), dot(1, 3)}; err != nil || !slices.Equal(got, want) {
		t.Errorf("Missing gave %v, %v, want %v", got, err, want)
	}
	enough := errors.New("enough")
	calls := 0
	err = s.Missing(noon, digest.Digest{}, func([]byte) error { calls++; return enough })
	if !errors.Is(err, enough) || calls != 1 {
		t.Errorf("Missing = %v after %d calls, want %v after 1", err, calls, enough)
	}
	err = s.Missing(noon, digest.Digest{}, func([]byte) error {
		if dropped, err := s.Drop(noon, digest.Of(dot(0, 0), dot(0, 2), dot(0, 4), dot(1, 1), dot(1, 3))); dropped || err != nil {
			t.Errorf("Drop during Missing = %t, %v, want false, nil", dropped, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAStoreWithoutAJournalRefusesCallsThatNeedOne(t *testing.T) {
	s := New(Config{MemoryBudget: tight}, Deps{})
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	for h := range 3 {
		apply(t, s, batchOf(t, hourSlice(h), dot(1, 1), record("a", "b", 1, 1)))
	}
	if got := s.Stats().Warm; got != 3 {
		t.Errorf("warm slices = %d, want all 3: there is nowhere else", got)
	}
	if err := s.Missing(noon, digest.Digest{}, nil); !errors.Is(err, ErrNoJournal) {
		t.Errorf("Missing: %v, want %v", err, ErrNoJournal)
	}
	if err := s.Verify(noon); !errors.Is(err, ErrNoJournal) {
		t.Errorf("Verify: %v, want %v", err, ErrNoJournal)
	}
	if dropped, err := s.Drop(hourSlice(1), digest.Of(dot(1, 1))); !dropped || err != nil {
		t.Errorf("Drop = %t, %v, want true, nil", dropped, err)
	}
}

// P15: Verify finds any difference between memory and journal.
func TestVerifyFindsDifferences(t *testing.T) {
	tests := []struct {
		name   string
		change func(s *Store, j *memJournal)
		want   error
	}{
		{"none", func(*Store, *memJournal) {}, nil},
		{"a total", func(s *Store, _ *memJournal) { addInMemory(t, s, record("a", "0", 0, 1)) }, ErrDiverged},
		{"a batch that left the journal", func(_ *Store, j *memJournal) { delete(j.batches[noon], dot(1, 2)) }, ErrDiverged},
		{"a flow that is in memory alone", func(s *Store, _ *memJournal) { addInMemory(t, s, record("x", "y", 1, 1)) }, ErrDiverged},
		{"totals on disk", func(_ *Store, j *memJournal) {
			wrong := totals.Totals{Flows: 2}
			j.totals[noon] = wrong.Encode(digest.Of(dot(1, 1), dot(1, 2)).Sum())
		}, ErrDiverged},
		{"totals on disk of other batches", func(_ *Store, j *memJournal) {
			other := totals.Totals{Flows: 1}
			j.totals[noon] = other.Encode(digest.Of(dot(1, 1)).Sum())
		}, nil},
		{"a batch that came into the journal since", func(s *Store, j *memJournal) {
			j.batches[noon][dot(1, 3)] = batchOf(t, noon, dot(1, 3), record("z", "z", 1, 1)).Encode()
		}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			j := newMemJournal()
			s := opened(t, j, 0)
			for seq := range uint64(2) {
				apply(t, s, batchOf(t, noon, dot(1, seq+1), record("a", fmt.Sprint(seq), 1, 1)))
			}
			test.change(s, j)
			if err := s.Verify(noon); !errors.Is(err, test.want) {
				t.Errorf("Verify: %v, want %v", err, test.want)
			}
			if err := s.Verify(noon); err != nil {
				t.Errorf("Verify after the slice was folded again: %v", err)
			}
		})
	}
}

// A scrub leaves a cold slice cold, finds wrong totals of it in memory and on disk, and mends them (P15).
func TestScrubOfAColdSlice(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		j := newMemJournal()
		s := opened(t, j, 0)
		for seq := range uint64(3) {
			apply(t, s, batchOf(t, noon, dot(1, seq), record("a", fmt.Sprint(seq%2), 5, 5)))
		}
		if sealed {
			sealAll(t, s, noon)
		}
		right := read(t, s, noon).Totals()
		of := digest.Of(dot(1, 0), dot(1, 1), dot(1, 2))
		for _, where := range []string{"", "on disk", "in memory"} {
			j.totals[noon] = right.Encode(of.Sum())
			wrong := right
			wrong.Tx.Low++
			if where == "on disk" {
				j.totals[noon] = wrong.Encode(of.Sum())
			}
			s = opened(t, j, 0)
			if where == "in memory" {
				if _, err := s.Digest(noon); err != nil {
					t.Fatal(err)
				}
				s.entries[noon].coldTotals = &wrong
			}
			bytes, err := s.Scrub(noon)
			if (where == "") != (err == nil) || err != nil && !errors.Is(err, ErrDiverged) || bytes < 50 {
				t.Errorf("sealed %t, wrong totals %s: Scrub = %d bytes, %v", sealed, where, bytes, err)
			}
			if loads := s.Stats().Loads; err == nil && loads > 0 {
				t.Errorf("sealed %t: a scrub of a right slice loads it", sealed)
			}
			if got, _, err := s.Totals(noon); err != nil || got != right {
				t.Errorf("sealed %t, wrong totals %s: after the scrub Totals = %+v, %v, want %+v", sealed, where, got, err, right)
			}
			if stored, _ := s.storedTotals(noon, of); stored != right {
				t.Errorf("sealed %t, wrong totals %s: the totals on disk are %+v, want %+v", sealed, where, stored, right)
			}
		}
	}
}

// addInMemory adds to the totals in memory, without a batch in the journal.
func addInMemory(t *testing.T, s *Store, r flow.Record) {
	t.Helper()
	b, c := batchOf(t, noon, dot(9, 9), r), s.entries[noon].content
	rows := c.Table.Group(b)
	defer c.Table.Release(rows)
	c.Table.Add(b, rows)
}
