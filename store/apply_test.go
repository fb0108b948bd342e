package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"

	"flowring/flow"
	"flowring/store/digest"
)

// counted holds the counters of Apply.
type counted struct{ applied, same, known uint64 }

var isNew, isSame, isKnown = counted{applied: 1}, counted{same: 1}, counted{known: 1}

func countedBy(s *Store) counted {
	stats := s.Stats()
	return counted{stats.Applied, stats.Same, stats.Known}
}

func (c counted) since(before counted) counted {
	return counted{c.applied - before.applied, c.same - before.same, c.known - before.known}
}

// P2: two batches are the same if they have the same ID or, without an ID, the same dot.
func TestBatchCountsOnce(t *testing.T) {
	id, other := flow.ID{1}, flow.ID{2}
	one, two := dot(1, 1), dot(2, 1)
	tests := []struct {
		name      string
		dots      []flow.Dot
		ids       []flow.ID
		outcomes  []counted
		wantBytes int64
	}{
		{"the same dot again is known", []flow.Dot{one, one}, make([]flow.ID, 2), []counted{isNew, isKnown}, 10},
		{"the same dot and ID again is known", []flow.Dot{one, one}, []flow.ID{id, id}, []counted{isNew, isKnown}, 10},
		{"the same ID under another dot is the same batch", []flow.Dot{one, two}, []flow.ID{id, id}, []counted{isNew, isSame}, 10},
		{"that other dot again is known", []flow.Dot{one, two, two}, []flow.ID{id, id, id}, []counted{isNew, isSame, isKnown}, 10},
		{"another ID is another batch", []flow.Dot{one, two}, []flow.ID{id, other}, []counted{isNew, isNew}, 20},
		{"without an ID another dot is another batch", []flow.Dot{one, two}, make([]flow.ID, 2), []counted{isNew, isNew}, 20},
	}
	for _, test := range tests {
		for _, reopen := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, reopened in between: %t", test.name, reopen), func(t *testing.T) {
				j := newMemJournal()
				s := opened(t, j, 0)
				want := digest.Of(test.dots...)
				for i, d := range test.dots {
					if reopen {
						s = opened(t, j, 0)
					}
					b := batchOf(t, noon, d, record("a", "b", 10, 10))
					b.ID, b.Key = test.ids[i], flow.ID{byte(9 + test.ids[i][0])}
					if b.ID.IsZero() {
						b.Key = flow.ID{}
					}
					before := countedBy(s)
					apply(t, s, b)
					if got := countedBy(s).since(before); got != test.outcomes[i] {
						t.Errorf("Apply number %d counts %+v, want %+v", i+1, got, test.outcomes[i])
					}
				}
				r := read(t, s, noon)
				if got := totalsByKey(r)[record("a", "b", 0, 0).Key]; got.BytesTx != test.wantBytes {
					t.Errorf("total = %d, want %d", got.BytesTx, test.wantBytes)
				}
				if !r.Digest().Equal(want) {
					t.Errorf("Digest() = %s, want %s", r.Digest(), want)
				}
				if err := s.Verify(noon); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// P11: each batch adds one number to many flows in all shards, and 1 to one flow. In every reading the many flows
// agree, and the one flow counts the batches of the digest.
func TestReadersSeeWholeBatches(t *testing.T) {
	const writers, batches = 2, 200
	s := New(Config{}, Deps{})
	var wg, readers sync.WaitGroup
	for origin := range uint64(writers) {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(origin, 1))
			for seq := range uint64(batches) {
				records, n := []flow.Record{record("all", "all", 1, 0)}, rng.Int64N(1000)
				for i := range 600 {
					records = append(records, record("x", strconv.Itoa(i), n, 1))
				}
				if err := s.Apply(flow.Written{Batch: batchOf(t, noon, dot(origin, seq+1), records...)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for last := int64(0); ; {
				select {
				case <-done:
					return
				default:
					last = checkWhole(t, read(t, s, noon), last)
				}
			}
		})
	}
	wg.Wait()
	close(done)
	readers.Wait()
	if got := checkWhole(t, read(t, s, noon), 0); got != writers*batches {
		t.Errorf("batches in the last reading = %d, want %d", got, writers*batches)
	}
}

// checkWhole fails the test if the reading has a part of a batch, or fewer batches than last. It returns their number.
func checkWhole(t *testing.T, r *Reading, last int64) int64 {
	t.Helper()
	n, others := int64(0), make(map[flow.Totals]string)
	for record := range r.Records() {
		if record.SrcApp == "all" {
			n = record.BytesTx
			continue
		}
		others[record.Totals] = record.DestApp
	}
	if uint64(n) != r.Digest().Count() {
		t.Errorf("a reading counts %d batches, its digest %d", n, r.Digest().Count())
	}
	if n < last {
		t.Errorf("a reading counts %d batches, an earlier one %d", n, last)
	}
	if len(others) > 1 {
		t.Errorf("a reading has a part of a batch: %v", others)
	}
	return n
}

func TestFailedAppendLeavesMemoryUnchanged(t *testing.T) {
	j, broken := newMemJournal(), errors.New("disk is gone")
	s := opened(t, j, 0)
	fail := false
	j.onAppend = func(flow.Dot) error {
		if fail {
			return broken
		}
		return nil
	}
	fail = true
	first, second := batchOf(t, noon, dot(1, 1), record("a", "b", 1, 1)), batchOf(t, noon, dot(1, 2), record("a", "c", 2, 2))
	first.ID, first.Key = flow.ID{1}, flow.ID{2}
	if err := s.Apply(written(first)...); !errors.Is(err, broken) {
		t.Errorf("Apply: %v, want %v", err, broken)
	}
	if got := s.Slices(); len(got) != 0 {
		t.Errorf("Slices() = %v, want none", got)
	}
	if replay, err := s.Check(written(first)...); replay || err != nil {
		t.Errorf("Check = %t, %v, want false, nil", replay, err)
	}
	if stats := s.Stats(); stats != (Stats{}) {
		t.Errorf("Stats() = %+v, want zeros", stats)
	}
	fail = false
	apply(t, s, second)
	fail = true
	if err := s.Apply(written(first)...); !errors.Is(err, broken) {
		t.Errorf("Apply: %v, want %v", err, broken)
	}
	if r := read(t, s, noon); r.Len() != 1 || !r.Digest().Equal(digest.Of(second.Dot)) {
		t.Errorf("a reading has %d flows of %s, want 1 of %s", r.Len(), r.Digest(), digest.Of(second.Dot))
	}
	fail = false
	before := countedBy(s)
	apply(t, s, first)
	if got := countedBy(s).since(before); got != isNew {
		t.Errorf("Apply again counts %+v, want %+v", got, isNew)
	}
}
