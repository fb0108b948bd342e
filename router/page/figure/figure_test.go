package figure

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/flow/query/naive"
)

func TestNumbersAboveWhatAFloatHoldsAreExact(t *testing.T) {
	var sum query.Sum
	for range 3 {
		sum = sum.Plus(query.SumOf(math.MaxInt64))
	}
	for v, want := range map[Amount][2]string{
		{query.SumOf(0)}: {"0 B", "0"}, {query.SumOf(999)}: {"999 B", "999"}, {query.SumOf(1000)}: {"1.00 kB", "1 000"},
		{query.SumOf(123_456_789)}: {"123 MB", "123 456 789"}, {query.SumOf(1<<53 + 1)}: {"9.00 PB", "9 007 199 254 740 993"},
		{sum}: {"27.6 EB", "27 670 116 110 564 327 421"},
	} {
		exact := strings.ReplaceAll(v.Exact(), "\u202f", " ")
		if v.String() != want[0] || exact != want[1] {
			t.Errorf("%v is shown as %s and %s, want %s", v.Sum, v, exact, want)
		}
	}
}

// talkOf returns the rows of the overview for flows between applications: the top names of both sides, and the pairs
// of these names.
func talkOf(records []flow.Record, top int) Talk {
	ask := func(spec query.Spec) []query.Row {
		spec.From, spec.To = 0, 1
		rows, _ := naive.Rows(&spec, records)
		return rows
	}
	t := Talk{
		Talkers:   ask(query.Spec{Group: query.FieldsOf(query.SrcApp), Top: top}),
		Receivers: ask(query.Spec{Group: query.FieldsOf(query.DestApp), Top: top}),
	}
	named := func(rows []query.Row, field query.Field) func(name string) bool {
		return func(name string) bool {
			return slices.ContainsFunc(rows, func(r query.Row) bool { return !r.Other && r.Column(field) == name })
		}
	}
	talks, receives := named(t.Talkers, query.SrcApp), named(t.Receivers, query.DestApp)
	for _, row := range ask(query.Spec{Group: query.FieldsOf(query.SrcApp, query.DestApp)}) {
		if talks(row.Src) && receives(row.Dest) {
			t.Pairs = append(t.Pairs, row)
		}
	}
	return t
}

// manyPairs are flows from 17 sources to 5 destinations.
func manyPairs() (records []flow.Record) {
	for i := range 40 {
		key := flow.Key{SrcApp: fmt.Sprint("s", i%17), DestApp: fmt.Sprint("d", i%5), VPCID: "v"}
		records = append(records, flow.Record{Key: key, Totals: flow.Totals{BytesTx: int64(i * i)}})
	}
	return records
}

// The links of a sankey chart have all bytes, each once: those of pairs outside the top follow from the other sums.
func TestLinksHaveAllBytes(t *testing.T) {
	records := manyPairs()
	for _, top := range []int{1, 3, 20} {
		talk := talkOf(records, top)
		want := map[link]query.Sum{}
		for _, r := range records {
			var l link
			for _, row := range talk.Talkers {
				if row.Src == r.SrcApp {
					l.src = r.SrcApp
				}
			}
			for _, row := range talk.Receivers {
				if row.Dest == r.DestApp {
					l.dest = r.DestApp
				}
			}
			if r.BytesTx > 0 {
				want[l] = want[l].Plus(query.SumOf(r.BytesTx))
			}
		}
		if got := talk.links(); !maps.Equal(got, want) {
			t.Errorf("the links of the top %d are %v, want %v", top, got, want)
		}
	}
}

// A record that arrives between two queries makes no sum negative.
func TestLinksOfSeveralMomentsAreNotNegative(t *testing.T) {
	talk := talkOf(manyPairs(), 3)
	for i := range talk.Pairs {
		talk.Pairs[i].Tx = talk.Pairs[i].Tx.Plus(query.SumOf(1e9))
	}
	total := TotalOf(talk.Talkers).Plus(query.SumOf(int64(len(talk.Pairs)) * 1e9))
	for l, sum := range talk.links() {
		if sum.Compare(total) > 0 {
			t.Errorf("%v has %v bytes of %v", l, sum, total)
		}
	}
}

// The bands of a sankey chart fill their nodes exactly.
func TestBandsFillTheirNodes(t *testing.T) {
	talk := talkOf(manyPairs(), 12)
	links := talk.links()
	total := TotalOf(talk.Talkers)
	left, right := newSankeySide(query.SrcApp, talk.Talkers, links), newSankeySide(query.DestApp, talk.Receivers, links)
	left.place(total)
	right.place(total)
	bandsOf(links, total, left, right)
	for _, side := range []*sankeySide{left, right} {
		for _, name := range side.names {
			if end := side.y[name] + side.high[name]; math.Abs(side.at[name]-end) > 0.001 {
				t.Errorf("the bands of %q end at %f, the node at %f", name, side.at[name], end)
			}
		}
		if last := side.names[len(side.names)-1]; math.Abs(side.y[last]+side.high[last]-sankeyHeight) > 0.001 {
			t.Errorf("the last node ends at %f, the chart at %d", side.y[last]+side.high[last], sankeyHeight)
		}
	}
}

// The hours before the earliest ones do not exist, so the range before a range ends there.
func TestTheRangeBeforeEndsAtTheEarliestHour(t *testing.T) {
	for of, want := range map[Hours]Hours{
		{100, 124}:                             {76, 100},
		{math.MinInt64 + 3, math.MinInt64 + 8}: {math.MinInt64, math.MinInt64 + 3},
		{math.MinInt64, math.MinInt64 + 8}:     {math.MinInt64, math.MinInt64},
	} {
		if got := of.Before(); got != want {
			t.Errorf("the range before %v is %v, want %v", of, got, want)
		}
	}
}

func TestTheShareOfAPartIsNeitherNothingNorAll(t *testing.T) {
	for share, want := range map[float64]string{
		0: "0.0 %", 0.0001: "<0.1 %", 0.05: "5.0 %", 0.5: "50 %", 0.994: "99 %", 0.996: "99.6 %", 0.99899: "99.9 %", 0.9999: ">99.9 %",
		1: "100 %",
	} {
		if got := Percent(share); got != want {
			t.Errorf("the share %v is %q, want %q", share, got, want)
		}
	}
}
