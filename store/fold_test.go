package store

import (
	"errors"
	"maps"
	"math"
	"testing"

	"pgregory.net/rapid"

	"flowring/flow"
)

// P15: totals are the sum over the distinct batches, in any order of batches, duplicates, seals and transfers to
// another store.
func TestTotalsAreTheFoldOfTheSet(t *testing.T) {
	names := []string{"a", "b", "c", "d", "é", "zz"}
	rapid.Check(t, func(rt *rapid.T) {
		j, want := newMemJournal(), make(map[flow.Key]flow.Totals)
		s := opened(t, j, rapid.SampledFrom([]int64{0, 1}).Draw(rt, "budget"))
		var sent []*flow.Batch
		for i := range rapid.IntRange(1, 12).Draw(rt, "batches") {
			var records []flow.Record
			for range rapid.IntRange(1, 6).Draw(rt, "records") {
				name := rapid.SampledFrom(names)
				r := record(name.Draw(rt, "src"), name.Draw(rt, "dest"), rapid.Int64Range(0, 99).Draw(rt, "tx"), 1)
				records = append(records, r)
				want[r.Key], _ = want[r.Key].Add(r.Totals)
			}
			b := batchOf(t, noon, dot(uint64(i%3), uint64(i)), records...)
			sent = append(sent, b)
			if rapid.Bool().Draw(rt, "keyed") { // and sent a second time through another node
				b.ID, b.Key = flow.ID{byte(i), 1}, flow.ID{byte(i), 2}
				again := *b
				again.Dot = dot(9, uint64(i))
				sent = append(sent, &again)
			}
		}
		for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(sent)-1), 0, 30).Draw(rt, "duplicates") {
			sent = append(sent, sent[i])
		}
		seal := rapid.IntRange(0, 3) // 0: now
		other := opened(t, newMemJournal(), 0)
		for _, b := range rapid.Permutation(sent).Draw(rt, "order") {
			apply(t, s, b)
			if seal.Draw(rt, "seal") == 0 {
				sealAll(t, s, noon)
			}
			if seal.Draw(rt, "give") == 0 {
				give(t, s, other, noon)
			}
		}
		give(t, s, other, noon)
		if got := totalsByKey(read(t, other, noon)); !maps.Equal(got, want) {
			rt.Fatalf("totals of the other store = %v, want %v", got, want)
		}
		r := read(t, s, noon)
		if got := totalsByKey(r); !maps.Equal(got, want) {
			rt.Fatalf("totals = %v, want %v", got, want)
		}
		last := flow.Key{}
		for record := range r.Records() {
			if record.Key.Compare(last) <= 0 || record.Hour != noon.Hour {
				rt.Fatalf("record %v comes after %v, want ascending keys of hour %s", record, last, noon.Hour)
			}
			last = record.Key
		}
		if err := errors.Join(s.Verify(noon), opened(t, j, 0).Verify(noon), other.Verify(noon)); err != nil {
			rt.Fatal(err)
		}
	})
}

// P14: totals above 2^63-1 saturate, with the same result in any order.
func TestSaturationIsOrderIndependent(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		amount := rapid.OneOf(rapid.Int64Range(0, 9), rapid.Int64Range(math.MaxInt64/3, math.MaxInt64))
		amounts := rapid.SliceOfN(amount, 1, 8).Draw(rt, "amounts")
		totalOf := func(order []int64) (flow.Totals, uint64) {
			s := New(Config{}, Deps{})
			for i, n := range order {
				b := batchOf(t, noon, dot(1, uint64(i)), record("a", "b", 0, 0))
				b.Tx[0], b.Rx[0] = n, math.MaxInt64-n
				apply(t, s, b)
			}
			return totalsByKey(read(t, s, noon))[record("a", "b", 0, 0).Key], s.Stats().Saturated
		}
		complements := make([]int64, len(amounts))
		for i, n := range amounts {
			complements[i] = math.MaxInt64 - n
		}
		tx, txCut := clampedSum(amounts)
		rx, rxCut := clampedSum(complements)
		for _, order := range [][]int64{amounts, rapid.Permutation(amounts).Draw(rt, "order")} {
			got, counted := totalOf(order)
			if want := (flow.Totals{BytesTx: tx, BytesRx: rx}); got != want {
				rt.Fatalf("totals of %v = %v, want %v", order, got, want)
			}
			if cut := txCut || rxCut; cut != (counted > 0) {
				rt.Fatalf("totals of %v are cut: %t, but %d counted", order, cut, counted)
			}
		}
	})
}

func clampedSum(numbers []int64) (sum int64, cut bool) {
	for _, n := range numbers {
		if n > math.MaxInt64-sum {
			return math.MaxInt64, true
		}
		sum += n
	}
	return sum, false
}
