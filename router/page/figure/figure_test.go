package figure

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"flowring/flow/query"
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

// The bands of a sankey chart fill their nodes exactly.
func TestBandsFillTheirNodes(t *testing.T) {
	var rows []query.Row
	for i := range 40 {
		rows = append(rows, query.Row{Key: query.Key{Src: fmt.Sprint("s", i%17), Dest: fmt.Sprint("d", i%5)}, Tx: query.SumOf(int64(i * i))})
	}
	rows = append(rows, query.Row{Other: true, Groups: 9, Tx: query.SumOf(1000)})
	total := TotalOf(rows)
	left, right := newSankeySide(rows, query.SrcApp), newSankeySide(rows, query.DestApp)
	left.place(total)
	right.place(total)
	bandsOf(rows, total, left, right)
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
