package table

import (
	"fmt"
	"math"
	"sync"
	"testing"

	"flowring/flow"
)

// Batches of a few flows lock several shards, and larger ones lock one shard at a time. All of them count, and their
// peak and their flows are known afterwards.
func TestSimultaneousBatchesOfAllSizesAddUp(t *testing.T) {
	const writers, turns = 4, 20
	table, keys := New(), someKeys(3*fetchedAtOnce+1)
	var batches []*flow.Batch
	for _, n := range []int{1, 2, fetchedAtOnce, fetchedAtOnce + 1, len(keys)} {
		var records []flow.Record
		for _, k := range keys[len(keys)-n:] {
			records = append(records, flow.Record{Key: k, Totals: flow.Totals{BytesTx: 1, BytesRx: 2}})
		}
		p, err := flow.AddUp(records)
		if err != nil {
			t.Fatal(err)
		}
		batches = append(batches, p.Batches[0])
	}
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range turns {
				for _, b := range batches {
					addBatch(table, b)
				}
			}
		})
	}
	all.Wait()
	var sum, want flow.Totals
	table.EachTotals(func(totals []flow.Totals) {
		for _, some := range totals {
			sum.BytesTx, sum.BytesRx = sum.BytesTx+some.BytesTx, sum.BytesRx+some.BytesRx
		}
	})
	for _, b := range batches {
		want.BytesTx += int64(writers * turns * b.Len())
	}
	want.BytesRx = 2 * want.BytesTx
	if sum != want || table.Flows() != len(keys) {
		t.Errorf("the table has %+v in %d flows, want %+v in %d", sum, table.Flows(), want, len(keys))
	}
	if peak := table.peak.Load(); peak != 2*writers*turns*int64(len(batches)) {
		t.Errorf("the peak is %d, want that of the flow of all batches, %d", peak, 2*writers*turns*len(batches))
	}
}

// A saturated total is counted in a batch of any size (P14).
func TestSaturatedTotalsOfAFewFlowsAreCounted(t *testing.T) {
	for _, n := range []int{1, fetchedAtOnce, fetchedAtOnce + 1} {
		table := New()
		var records []flow.Record
		for i := range n {
			records = append(records, recordOf("a", fmt.Sprint("b", i), math.MaxInt64-1))
		}
		p, err := flow.AddUp(records)
		if err != nil {
			t.Fatal(err)
		}
		if first, second := addBatch(table, p.Batches[0]), addBatch(table, p.Batches[0]); first != 0 || second != n {
			t.Errorf("a batch of %d flows, twice: %d and then %d saturated totals, want 0 and %d", n, first, second, n)
		}
	}
}
