package merge_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/flow/query/merge"
	"flowring/flow/query/naive"
)

// drawSpec draws a valid question about hours -30 to 30.
func drawSpec(t *rapid.T) *query.Spec {
	for {
		spec := &query.Spec{
			From: flow.Hour(rapid.IntRange(-30, 10).Draw(t, "from")), To: flow.Hour(rapid.IntRange(-10, 30).Draw(t, "to")),
			Group: query.Fields(rapid.IntRange(0, 31).Draw(t, "group")), MinBytes: rapid.SampledFrom([]int64{0, 0, 5}).Draw(t, "min"),
		}
		if name := rapid.SampledFrom([]string{"", "", "a", "*b"}).Draw(t, "src"); name != "" {
			spec.Filters.Src.Include = []query.Pattern{query.ParsePattern(name)}
		}
		switch rapid.IntRange(0, 4).Draw(t, "form") {
		case 0, 1:
			spec.Top, spec.By = rapid.IntRange(1, 5).Draw(t, "top"), query.Measure(rapid.IntRange(0, 2).Draw(t, "by"))
			if rapid.Bool().Draw(t, "series") {
				spec.HasSeries, spec.Series = true, rapid.SampledFrom([]query.Field{query.Hour, query.Day}).Draw(t, "bucket")
			}
		case 2:
			spec.Limit = rapid.IntRange(1, 6).Draw(t, "limit")
			spec.Sort = query.Sort{By: query.SortByMeasure, Measure: query.Measure(rapid.IntRange(0, 2).Draw(t, "by"))}
			spec.Sort.Descending = rapid.Bool().Draw(t, "descending")
		case 3:
			spec.Sort = query.Sort{By: query.SortByField, Field: query.Field(rapid.IntRange(0, 4).Draw(t, "field"))}
			spec.Sort.Descending = rapid.Bool().Draw(t, "descending")
			fallthrough
		default:
			spec.Limit = rapid.IntRange(0, 6).Draw(t, "limit")
		}
		if spec.Validate() == nil {
			return spec
		}
	}
}

// drawRecords draws the records of each store. Flows and sums coincide often.
func drawRecords(t *rapid.T) [][]flow.Record {
	name := rapid.SampledFrom([]string{"a", "b", "ab", "b\x00"})
	record := rapid.Custom(func(t *rapid.T) flow.Record {
		return flow.Record{
			Key:    flow.Key{SrcApp: name.Draw(t, "src"), DestApp: name.Draw(t, "dest"), VPCID: name.Draw(t, "vpc")},
			Totals: flow.Totals{BytesTx: rapid.Int64Range(0, 4).Draw(t, "tx"), BytesRx: rapid.SampledFrom([]int64{0, 1, 2, 1<<63 - 1}).Draw(t, "rx")},
			Hour:   flow.Hour(rapid.IntRange(-30, 30).Draw(t, "hour")),
		}
	})
	return rapid.SliceOfN(rapid.SliceOfN(record, 0, 40), 0, 4).Draw(t, "stores")
}

// groupsOf returns the groups of a store in the order in which the store sends them.
func groupsOf(spec *query.Spec, records []flow.Record) []query.Row {
	all := query.Spec{From: spec.From, To: spec.To, Filters: spec.Filters, Group: spec.Streamed()}
	if len(records) == 0 {
		return nil
	}
	rows, _ := naive.Rows(&all, records)
	slices.SortFunc(rows, func(a, b query.Row) int { return spec.Compare(a.Key, b.Key) })
	return rows
}

// inBlocks yields rows in blocks of random sizes, in memory that the next block overwrites.
func inBlocks(t *rapid.T, rows []query.Row, change func([]query.Row) []query.Row) merge.Source {
	var sizes []int
	for left := len(rows); left > 0; {
		n := rapid.IntRange(1, min(left, 4)).Draw(t, "block")
		sizes = append(sizes, n)
		left -= n
	}
	return func(yield func([]query.Row, error) bool) {
		var memory [4]query.Row
		rest := rows
		for _, n := range sizes {
			block := change(append(memory[:0], rest[:n]...))
			rest = rest[n:]
			if len(block) > 0 && !yield(block, nil) {
				return
			}
			clear(memory[:])
		}
	}
}

// mergedLikeNaive merges the sources of one random case, and returns the difference to the naive answer.
func mergedLikeNaive(t *rapid.T, change func([]query.Row) []query.Row) error {
	spec, stores := drawSpec(t), drawRecords(t)
	var sources []merge.Source
	for _, records := range stores {
		sources = append(sources, inBlocks(t, groupsOf(spec, records), change))
	}
	want, wantMore := naive.Rows(spec, slices.Concat(stores...))
	m := merge.New(spec, sources)
	var got []query.Row
	for row, err := range m.All() {
		if err != nil {
			return err
		}
		got = append(got, row)
	}
	after, more := m.Next()
	switch {
	case !slices.Equal(got, want):
		return fmt.Errorf("%+v:\ngot  %+v\nwant %+v", spec, got, want)
	case more != wantMore:
		return fmt.Errorf("%+v: more = %t, want %t", spec, more, wantMore)
	case more && after != want[len(want)-1].Key:
		return fmt.Errorf("%+v: the next page begins behind %+v, want %+v", spec, after, want[len(want)-1].Key)
	}
	return nil
}

func unchanged(block []query.Row) []query.Row { return block }

func TestTheMergeAnswersLikeTheNaiveFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		if err := mergedLikeNaive(t, unchanged); err != nil {
			t.Fatal(err)
		}
	})
}

// The control: without the last group of each block, the comparison fails.
func TestTheComparisonNoticesAGroupLostAtTheEdgeOfABlock(t *testing.T) {
	noticed := 0
	rapid.Check(t, func(t *rapid.T) {
		lossy := func(block []query.Row) []query.Row { return block[:len(block)-1] }
		if mergedLikeNaive(t, lossy) != nil {
			noticed++
		}
	})
	if noticed == 0 {
		t.Error("no comparison noticed the lost groups")
	}
}

// All pages together are the whole answer.
func TestPagesAreTheWholeAnswer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := query.Spec{From: -30, To: 30, Group: query.DefaultFields, Sort: query.Sort{
			By: query.SortByField, Field: query.DestApp, Descending: rapid.Bool().Draw(t, "descending"),
		}}
		stores := drawRecords(t)
		want, _ := naive.Rows(&spec, slices.Concat(stores...))
		spec.Limit = rapid.IntRange(1, 5).Draw(t, "limit")
		var got []query.Row
		for {
			var sources []merge.Source
			for _, records := range stores {
				sources = append(sources, inBlocks(t, groupsOf(&spec, records), unchanged))
			}
			m := merge.New(&spec, sources)
			for row, err := range m.All() {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, row)
			}
			after, more := m.Next()
			if !more {
				break
			}
			spec.After = &after
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %+v\nwant %+v", got, want)
		}
	})
}

func TestFaultySourcesEndTheRows(t *testing.T) {
	broken := errors.New("the connection broke")
	row := func(src string) query.Row { return query.Row{Key: query.Key{Src: src}, Tx: query.SumOf(1)} }
	spec := query.Spec{From: 0, To: 1, Group: query.FieldsOf(query.SrcApp)}
	for name, source := range map[string]merge.Source{
		"an error": func(yield func([]query.Row, error) bool) {
			if yield([]query.Row{row("a")}, nil) {
				yield(nil, broken)
			}
		},
		"an empty block": func(yield func([]query.Row, error) bool) { yield(nil, nil) },
		"a key twice":    func(yield func([]query.Row, error) bool) { yield([]query.Row{row("a"), row("a")}, nil) },
		"a wrong order in a block": func(yield func([]query.Row, error) bool) {
			yield([]query.Row{row("b"), row("a")}, nil)
		},
		"a wrong order between blocks": func(yield func([]query.Row, error) bool) {
			if yield([]query.Row{row("b")}, nil) {
				yield([]query.Row{row("a")}, nil)
			}
		},
	} {
		for form, spec := range map[string]query.Spec{
			"page": spec, "top": {From: 0, To: 1, Group: spec.Group, Top: 3},
			"sorted": {From: 0, To: 1, Group: spec.Group, Limit: 3, Sort: query.Sort{By: query.SortByMeasure}},
			"series": {From: 0, To: 1, Group: spec.Group, Top: 3, HasSeries: true},
		} {
			var last error
			for _, err := range merge.New(&spec, []merge.Source{source}).All() {
				last = err
			}
			if last == nil {
				t.Errorf("%s, %s: the rows ended without an error", name, form)
			}
		}
	}
}

func BenchmarkMergeOfThreeStores(b *testing.B) {
	const groups = 200_000
	rows := make([]query.Row, groups)
	for i := range rows {
		rows[i] = query.Row{Key: query.Key{Src: fmt.Sprintf("app-%06d", i/10), Dest: fmt.Sprintf("app-%06d", i%10)}, Tx: query.SumOf(int64(i * 7919 % groups))}
	}
	source := func(yield func([]query.Row, error) bool) {
		for block := range slices.Chunk(rows, 1000) {
			if !yield(block, nil) {
				return
			}
		}
	}
	for _, spec := range []query.Spec{
		{From: 0, To: 1, Group: query.FieldsOf(query.SrcApp, query.DestApp)},
		{From: 0, To: 1, Group: query.FieldsOf(query.SrcApp, query.DestApp), Top: 20},
	} {
		b.Run(fmt.Sprintf("top=%d", spec.Top), func(b *testing.B) {
			for b.Loop() {
				for _, err := range merge.New(&spec, []merge.Source{source, source, source}).All() {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/groups/3, "ns/row")
		})
	}
}
