package queries

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/flow/query/merge"
	"flowring/flow/query/naive"
	"flowring/node/peer/wire"
	"flowring/store/aggregate"
)

// spoiler changes the groups of a store on their way.
type spoiler func(merge.Source) merge.Source

// differs reports whether the rows of a question over stores, whose groups come in small frames, differ from the naive
// fold of all records.
func differs(t *testing.T, spec *query.Spec, stores [][]flow.Record, spoil spoiler) bool {
	t.Helper()
	q := New(Config{FrameSize: 64}, Deps{})
	var sources []merge.Source
	for _, records := range stores {
		answer := &Answer{q: q, ctx: context.Background(), groups: aggregate.New(spec, 0)}
		for _, r := range records {
			batch := flow.NewBatchBuilder([]string{r.SrcApp, r.DestApp, r.VPCID}).Batch(
				flow.Slice{Hour: r.Hour}, 1, func(int) ([3]uint32, flow.Totals) { return [3]uint32{0, 1, 2}, r.Totals })
			if err := answer.groups.AddBatch(batch); err != nil {
				t.Fatal(err)
			}
		}
		var sent bytes.Buffer
		if _, err := answer.WriteTo(&sent); err != nil {
			t.Fatal(err)
		}
		s := &groupStream{frames: bufio.NewReader(&sent), body: io.NopCloser(nil)}
		if err := s.readHead(new(wire.QueryCall)); err != nil {
			t.Fatal(err)
		}
		sources = append(sources, spoil(s.source(spec, nil)))
	}
	var got []query.Row
	for row, err := range merge.New(spec, sources).All() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, row)
	}
	want, _ := naive.Rows(spec, slices.Concat(stores...))
	return len(got)+len(want) > 0 && !reflect.DeepEqual(got, want)
}

// randomStores returns the records of three stores.
func randomStores(rng *rand.Rand) [][]flow.Record {
	stores := make([][]flow.Record, 3)
	for range 60 {
		i := rng.IntN(len(stores))
		stores[i] = append(stores[i], flow.Record{
			Key:    flow.Key{SrcApp: fmt.Sprint("a", rng.IntN(9)), DestApp: fmt.Sprint("b", rng.IntN(9)), VPCID: "v"},
			Totals: flow.Totals{BytesTx: rng.Int64N(1 << 40), BytesRx: rng.Int64N(1 << 40)}, Hour: flow.Hour(rng.IntN(5)),
		})
	}
	return stores
}

// questions are the forms of the answer: all groups, the largest ones, a series, and a page.
func questions() []*query.Spec {
	all := func(fields ...query.Field) query.Fields { return query.DefaultFields | query.FieldsOf(fields...) }
	return []*query.Spec{
		{To: 5, Group: all(query.Hour)},
		{To: 5, Group: query.DefaultFields, Top: 5},
		{To: 5, Group: query.FieldsOf(query.SrcApp), Top: 3, HasSeries: true, Series: query.Hour},
		{To: 5, Group: query.DefaultFields, Limit: 70, Sort: query.Sort{By: query.SortByField, Field: query.DestApp}},
	}
}

func TestGroupsInFramesEqualTheNaiveFold(t *testing.T) {
	for seed := range uint64(20) {
		stores := randomStores(rand.New(rand.NewPCG(seed, 5)))
		for _, spec := range questions() {
			if differs(t, spec, stores, func(s merge.Source) merge.Source { return s }) {
				t.Errorf("seed %d: the rows of %+v differ from the naive fold", seed, spec)
			}
		}
	}
}

// The control of the test above: it catches a reader that drops the last group of each frame.
func TestADroppedGroupAtTheEdgeOfAFrameIsCaught(t *testing.T) {
	drop := func(s merge.Source) merge.Source {
		return func(yield func([]query.Row, error) bool) {
			for rows, err := range s {
				if err == nil && len(rows) > 1 {
					rows = rows[:len(rows)-1]
				}
				if !yield(rows, err) {
					return
				}
			}
		}
	}
	stores := randomStores(rand.New(rand.NewPCG(1, 5)))
	for _, spec := range questions() {
		if !differs(t, spec, stores, drop) {
			t.Errorf("the rows of %+v equal the naive fold although groups are dropped", spec)
		}
	}
}

// A stream that is cut off anywhere is an error, never a short answer.
func TestACutStreamIsAnError(t *testing.T) {
	spec := &query.Spec{To: 5, Group: query.DefaultFields}
	q := New(Config{FrameSize: 64}, Deps{})
	answer := &Answer{q: q, ctx: context.Background(), groups: aggregate.New(spec, 0)}
	for i := range 10 {
		batch := flow.NewBatchBuilder([]string{"a", fmt.Sprint("b", i), "c"}).Batch(
			flow.Slice{}, 1, func(int) ([3]uint32, flow.Totals) { return [3]uint32{0, 1, 2}, flow.Totals{BytesTx: 1} })
		if err := answer.groups.AddBatch(batch); err != nil {
			t.Fatal(err)
		}
	}
	var sent bytes.Buffer
	if _, err := answer.WriteTo(&sent); err != nil {
		t.Fatal(err)
	}
	for n := range sent.Len() {
		s := &groupStream{frames: bufio.NewReader(bytes.NewReader(sent.Bytes()[:n])), body: io.NopCloser(nil)}
		err := s.readHead(new(wire.QueryCall))
		if err == nil {
			for _, failure := range merge.New(spec, []merge.Source{s.source(spec, nil)}).All() {
				err = failure
			}
		}
		if err == nil {
			t.Errorf("%d of %d bytes are an answer", n, sent.Len())
		}
	}
}
