package store

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/flow/query/naive"
	"flowring/store/aggregate"
	"flowring/store/digest"
)

// everything asks for all flows of all hours, by hour.
var everything = &query.Spec{
	From: math.MinInt64, To: math.MaxInt64, Group: query.DefaultFields | query.FieldsOf(query.Hour),
}

// byHour asks for the sums of each hour.
var byHour = &query.Spec{From: math.MinInt64, To: math.MaxInt64, Group: query.FieldsOf(query.Hour)}

// fromA asks for the flows of one application.
var fromA = &query.Spec{
	From: math.MinInt64, To: math.MaxInt64, Group: query.DefaultFields,
	Filters: query.Filters{Src: query.Filter{Include: []query.Pattern{query.ParsePattern("a")}}},
}

// foldOf returns the groups of slices of a store, and their digests.
func foldOf(t testing.TB, s *Store, spec *query.Spec, slices ...flow.Slice) (rows []query.Row, digests []digest.Digest) {
	t.Helper()
	g := aggregate.New(spec, 0)
	for _, slice := range slices {
		folded, err := s.Fold(slice, g, func(d digest.Digest) bool {
			digests = append(digests, d)
			return true
		})
		if err != nil || !folded {
			t.Fatalf("Fold = %t, %v", folded, err)
		}
	}
	for block := range g.Blocks(16) {
		rows = append(rows, block...)
	}
	return rows, digests
}

// recordsOf returns the flows of a slice by GET.
func recordsOf(t testing.TB, s *Store, slice flow.Slice) []flow.Record {
	t.Helper()
	return slices.Collect(read(t, s, slice).Records())
}

// P15: queries show the totals of GET, for warm, cold and sealed slices, with batches sent twice, late batches and
// saturated totals. A sealed cold slice stays cold.
func TestAFoldHasTheTotalsOfARead(t *testing.T) {
	names := rapid.SampledFrom([]string{"a", "b", "c", "é"})
	rapid.Check(t, func(rt *rapid.T) {
		j := newMemJournal()
		budget := rapid.SampledFrom([]int64{0, 1}).Draw(rt, "budget")
		s := opened(t, j, budget)
		hours := []flow.Slice{{Hour: -3}, {Hour: 30}, {Hour: 30, Index: 1}}
		for i := range rapid.IntRange(0, 10).Draw(rt, "steps") {
			slice := rapid.SampledFrom(hours).Draw(rt, "slice")
			var records []flow.Record
			for range rapid.IntRange(1, 5).Draw(rt, "records") {
				moved := rapid.SampledFrom([]int64{0, 1, 7, math.MaxInt64 - 1, math.MaxInt64})
				records = append(records, record(names.Draw(rt, "src"), names.Draw(rt, "dest"), moved.Draw(rt, "tx"), 1))
			}
			records = slices.CompactFunc(records, func(a, b flow.Record) bool { return a.Key == b.Key })
			for i := range records {
				records[i].Hour = slice.Hour
			}
			p, err := flow.AddUp(records)
			if err != nil {
				continue // one request alone saturates
			}
			b := p.Batches[0]
			b.Slice, b.Dot = slice, dot(1, uint64(i))
			b.ID, b.Key = flow.ID{byte(i), 1}, flow.ID{byte(i), 2}
			again := *b
			again.Dot = dot(2, uint64(i))
			apply(t, s, b)
			switch rapid.SampledFrom([]string{"sent again", "sealed", "warm"}).Draw(rt, "then") {
			case "sent again":
				apply(t, s, &again)
			case "sealed":
				sealAll(t, s, slice)
			}
		}
		folding := s
		if rapid.Bool().Draw(rt, "restart") {
			folding = opened(t, j, budget)
		}
		hourly, _ := foldOf(t, folding, byHour, hours...)
		filtered, _ := foldOf(t, folding, fromA, hours...)
		got, digests := foldOf(t, folding, everything, hours...)
		var all []flow.Record
		for i, slice := range hours {
			all = append(all, recordsOf(t, s, slice)...)
			if want, _ := s.Digest(slice); !digests[i].Equal(want) {
				rt.Fatalf("Fold(%s) has digest %s, want %s", slice, digests[i], want)
			}
		}
		wantHourly, _ := naive.Rows(byHour, all)
		if again, _ := foldOf(t, folding, byHour, hours...); !slices.Equal(hourly, wantHourly) || !slices.Equal(again, wantHourly) {
			rt.Fatalf("Fold by hour =\n%+v, then\n%+v, want\n%+v", hourly, again, wantHourly)
		}
		for _, slice := range hours {
			if err := folding.Verify(slice); err != nil {
				rt.Fatal(err)
			}
		}
		if want, _ := naive.Rows(fromA, all); !slices.Equal(filtered, want) {
			rt.Fatalf("Fold of one application =\n%+v, want\n%+v", filtered, want)
		}
		want, _ := naive.Rows(everything, all)
		if !slices.Equal(got, want) {
			rt.Fatalf("Fold =\n%+v, want\n%+v", got, want)
		}
	})
}

func TestAFoldLeavesASealedSliceOnDisk(t *testing.T) {
	j := newMemJournal()
	s := opened(t, j, 0)
	apply(t, s, batchOf(t, noon, dot(1, 1), record("a", "b", 5, 7)))
	sealAll(t, s, noon)
	s = opened(t, j, 0)
	rows, _ := foldOf(t, s, everything, noon)
	if len(rows) != 1 || rows[0].Tx != query.SumOf(5) {
		t.Errorf("Fold = %+v", rows)
	}
	if stats := s.Stats(); stats.Warm != 0 || stats.Loads != 0 {
		t.Errorf("after a fold of a sealed slice: %+v", stats)
	}
	apply(t, s, batchOf(t, noon, dot(1, 2), record("a", "b", 10, 7))) // late, on top of the snapshot
	s = opened(t, j, 0)
	if rows, _ := foldOf(t, s, everything, noon); rows[0].Tx != query.SumOf(15) {
		t.Errorf("Fold with a late batch = %+v", rows)
	}
}

// A refused digest adds nothing, so that the caller can read the slice in another way.
func TestAFoldOfAnotherDigestAddsNothing(t *testing.T) {
	j := newMemJournal()
	s := opened(t, j, 0)
	apply(t, s, batchOf(t, noon, dot(1, 1), record("a", "b", 5, 7)))
	sealAll(t, s, noon)
	for name, s := range map[string]*Store{"warm": s, "cold": opened(t, j, 0)} {
		g := aggregate.New(everything, 0)
		folded, err := s.Fold(noon, g, func(d digest.Digest) bool { return !d.Equal(digest.Of(dot(1, 1))) })
		if folded || err != nil || g.Len() != 0 {
			t.Errorf("%s: Fold = %t, %v, %d groups", name, folded, err, g.Len())
		}
	}
}

// Damage of a snapshot is an error that names the batches for repair, and no low sum.
func TestAFoldNamesUnreadableSnapshots(t *testing.T) {
	j := newMemJournal()
	s := opened(t, j, 0)
	apply(t, s, batchOf(t, noon, dot(1, 1), record("a", "b", 5, 7)))
	sealAll(t, s, noon)
	s = opened(t, j, 0)
	pieces := j.drafts[noon][j.heads[noon].draft]
	j.drafts[noon][j.heads[noon].draft] = pieces[:len(pieces)-1]
	if _, err := s.Fold(noon, aggregate.New(everything, 0), func(digest.Digest) bool { return true }); err == nil {
		t.Error("Fold of a snapshot without a piece succeeds")
	}
	s = opened(t, unreadablePieces{j}, 0)
	_, err := s.Fold(noon, aggregate.New(everything, 0), func(digest.Digest) bool { return true })
	if !errors.Is(err, ErrUnreadable) || s.Unreadable(noon) != 1 {
		t.Errorf("Fold = %v, %d batches are known to be unreadable", err, s.Unreadable(noon))
	}
}

// unreadablePieces is a journal whose snapshots are damaged.
type unreadablePieces struct{ *memJournal }

func (unreadablePieces) Pieces(flow.Slice, func([]byte) error) error { return ErrUnreadable }

// A slice is folded whole while batches are added, sealed and evicted (P11).
func TestFoldsOfASliceInUseHaveWholeBatches(t *testing.T) {
	j := newMemJournal()
	s := opened(t, j, 1)
	var writers sync.WaitGroup
	writers.Go(func() {
		for i := range uint64(300) {
			apply(t, s, batchOf(t, noon, dot(1, i+1), record("a", "b", 1, 0), record("c", "d", 1, 0)))
			apply(t, s, batchOf(t, flow.Slice{Hour: 13}, dot(1, i+1), record("a", "b", 1, 0))) // evicts noon
			if i%50 == 0 {
				sealAll(t, s, noon)
			}
		}
	})
	last := uint64(0)
	for last < 300 {
		rows, digests := foldOf(t, s, everything, noon)
		count := digests[0].Count()
		if count < last {
			t.Fatalf("a fold of %d batches after one of %d", count, last)
		}
		last = count
		for _, row := range rows {
			if len(rows) != 2 || row.Tx != query.SumOf(int64(count)) {
				t.Fatalf("Fold of %d batches = %+v", count, rows)
			}
		}
	}
	writers.Wait()
}

// A query without names loads only the slices that changed since their totals were written: after an eviction, a seal, a
// restart and the transfer of a snapshot.
func TestTotalsSpareLoads(t *testing.T) {
	j := newMemJournal()
	s := opened(t, j, 1)
	for h := range 3 {
		apply(t, s, batchOf(t, hourSlice(h), dot(1, uint64(h)), record("a", "b", 5, 7), record("b", "c", 1, 1)))
	}
	sealAll(t, s, hourSlice(0))
	read(t, s, hourSlice(2)) // evicts the others
	other := newMemJournal()
	give(t, s, opened(t, other, 0), hourSlice(0))
	want := []query.Row{{Tx: query.SumOf(6), Rx: query.SumOf(8)}}
	check := func(name string, s *Store, j *memJournal, loads int, slices ...flow.Slice) {
		t.Helper()
		before := j.loads
		for range 2 {
			rows, _ := foldOf(t, s, byHour, slices...)
			for i, row := range rows {
				if row.Key != (query.Key{Time: int64(slices[i].Hour)}) || row.Tx != want[0].Tx || row.Rx != want[0].Rx {
					t.Errorf("%s: Fold = %+v", name, rows)
				}
			}
		}
		if got := j.loads - before; got != loads {
			t.Errorf("%s: %d loads, want %d", name, got, loads)
		}
	}
	check("evicted", s, j, 0, hourSlice(0), hourSlice(1))
	check("restarted", opened(t, j, 0), j, 0, hourSlice(0), hourSlice(1))
	delete(j.totals, hourSlice(2))
	check("never written", opened(t, j, 0), j, 1, hourSlice(2))
	check("taken in as a snapshot", opened(t, unreadableFlows{other}, 0), other, 0, hourSlice(0))

	apply(t, s, batchOf(t, hourSlice(1), dot(1, 7), record("a", "b", 10, 0)))
	want[0] = query.Row{Tx: query.SumOf(16), Rx: query.SumOf(8)}
	delete(j.totals, hourSlice(1))
	check("changed", opened(t, j, 0), j, 1, hourSlice(1))
}

// unreadableFlows is a journal whose snapshots must not be read.
type unreadableFlows struct{ *memJournal }

func (unreadableFlows) Pieces(flow.Slice, func([]byte) error) error {
	return errors.New("the snapshot is read")
}

// Totals of other batches do not count: after a drop and a refill, after a late batch, and while batches are unreadable.
func TestTotalsOfOtherBatchesDoNotCount(t *testing.T) {
	j := newMemJournal()
	s := opened(t, j, 1)
	apply(t, s, batchOf(t, noon, dot(1, 1), record("a", "b", 5, 7)))
	apply(t, s, batchOf(t, hourSlice(1), dot(1, 1), record("a", "b", 5, 7))) // evicts noon
	before := slices.Clone(j.totals[noon])
	if before == nil {
		t.Fatal("no totals were written")
	}
	if dropped, err := s.Drop(noon, digest.Of(dot(1, 1))); !dropped || err != nil {
		t.Fatal(dropped, err)
	}
	if j.totals[noon] != nil {
		t.Error("a dropped slice has totals")
	}
	j.totals[noon] = before // as if a crash had brought them back
	apply(t, s, batchOf(t, noon, dot(1, 2), record("a", "b", 100, 0)))
	for name, s := range map[string]*Store{"warm": s, "restarted": opened(t, j, 0)} {
		if got, d, err := s.Totals(noon); got.Tx != query.SumOf(100) || !d.Equal(digest.Of(dot(1, 2))) || err != nil {
			t.Errorf("%s: Totals = %+v, %s, %v", name, got, d, err)
		}
	}
	s = opened(t, unreadableBatches{j}, 0)
	if _, err := s.Scrub(noon); err != nil || s.Unreadable(noon) != 1 {
		t.Fatalf("Scrub: %v, %d batches are unreadable", err, s.Unreadable(noon))
	}
	if got, d, err := s.Totals(noon); !errors.Is(err, ErrUnreadable) {
		t.Errorf("Totals of unreadable batches = %+v, %s, %v", got, d, err)
	}
}

// unreadableBatches is a journal whose batches are damaged.
type unreadableBatches struct{ *memJournal }

func (unreadableBatches) Get(flow.Slice, flow.Dot) ([]byte, error)  { return nil, ErrUnreadable }
func (unreadableBatches) Load(flow.Slice, func([]byte) error) error { return ErrUnreadable }

// A fold with filters copies the totals of the flows that count alone. It has whole batches too, while new flows arrive
// (P11).
func TestFilteredFoldsHaveWholeBatches(t *testing.T) {
	s := opened(t, newMemJournal(), 0)
	const batches = 2000
	var writers sync.WaitGroup
	writers.Go(func() {
		for i := range uint64(batches) {
			apply(t, s, batchOf(t, noon, dot(1, i+1), record("a", "b", 1, 0), record("a", fmt.Sprint("new", i), 1, 0), record("c", "d", 1, 0)))
		}
	})
	for last := uint64(0); last < batches; {
		rows, digests := foldOf(t, s, fromA, noon)
		last = digests[0].Count()
		if last > 0 && len(rows) != int(last)+1 {
			t.Fatalf("Fold of %d batches has %d flows", last, len(rows))
		}
		for _, row := range rows {
			if want := max(1, int64(last)); row.Dest == "b" && row.Tx != query.SumOf(want) {
				t.Fatalf("Fold of %d batches = %+v", last, row)
			}
		}
	}
	writers.Wait()
}
