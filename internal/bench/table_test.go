package main

import (
	"strings"
	"testing"
	"time"

	"flowring/internal/bench/server"
	"flowring/internal/bench/workload"
)

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   []float64
		want float64
	}{
		{"of nothing", nil, 0},
		{"of one", []float64{3}, 3},
		{"of an odd number", []float64{9, 1, 5}, 5},
		{"of an even number", []float64{4, 1, 2, 100}, 3},
	} {
		if got := median(tt.in); got != tt.want {
			t.Errorf("%s: median(%v) = %v, want %v", tt.name, tt.in, got, tt.want)
		}
	}
}

// costs returns runs of these costs.
func costs(all ...float64) []sample {
	var samples []sample
	for _, c := range all {
		samples = append(samples, sample{Cost: c, Allocs: 7})
	}
	return samples
}

// measured is a result in which one bar holds and two do not.
func measured() result {
	return result{
		measure: measure{name: "M", unit: "u", kinds: []server.Kind{plainGo, single, triple, memory},
			bars: []bar{{single, plainGo, 0.2}, {triple, single, 2.2}, {memory, server.Kind{}, 10}}},
		samples: [][]sample{costs(10, 30, 20), costs(8, 8, 2), costs(16, 16, 16), costs(25, 24, 26)},
	}
}

func TestBarsAreJudgedByMedians(t *testing.T) {
	want := []struct {
		plain, times float64
		bar, holds   string
	}{
		{1, 0, "", ""},
		{0.4, 2, "0.20 x plain Go", "NO, 2.00 times the bar"},
		{0.8, 2 / 2.2, "2.20 x flowring R=1", "yes"},
		{1.25, 2.5, "10.0", "NO, 2.50 times the bar"},
	}
	for i, r := range measured().rows() {
		if r.Plain != want[i].plain || r.Times != want[i].times || r.Bar != want[i].bar || r.holds() != want[i].holds {
			t.Errorf("%s: %v x plain, %v times the bar %q, holds %q; want %+v", r.Server, r.Plain, r.Times, r.Bar, r.holds(), want[i])
		}
	}
}

func TestOnlyClustersAreUneven(t *testing.T) {
	r := result{
		measure: measure{name: "M", kinds: []server.Kind{single, triple, sliced}, even: 1.25},
		samples: [][]sample{{{Uneven: 1}}, {{Uneven: 3}}, {{Uneven: 1.5}, {Uneven: 2}, {Uneven: 1}}},
	}
	rows := r.uneven().rows()
	if len(rows) != 2 || rows[0].Bar != "" || rows[1].Median.Cost != 1.5 || rows[1].High != 2 || rows[1].Times != 1.2 {
		t.Errorf("uneven = %+v, want two clusters, the sliced one by its median at 1.2 times the bar", rows)
	}
}

func TestTheBusiestProcessIsNotTheOldestOne(t *testing.T) {
	sum, most := usage{cpu: workload.Spent([]time.Duration{100, 0, 7}, []time.Duration{110, 30, 7})}.sum()
	if sum != 40 || most != 30 {
		t.Errorf("spent = %d, %d; want 40 in all and 30", sum, most)
	}
}

func TestTheTableHasEveryRow(t *testing.T) {
	var text strings.Builder
	if err := writeTable(&text, measured().rows()); err != nil {
		t.Fatal(err)
	}
	const want = `
M: u
                      MEDIAN  LOW-HIGH   x PLAIN GO  BAR                  HOLDS                   ALLOCS  P50 MS  P99 MS
plain Go              20.0    10.0-30.0  1.00                                                     7.00            
flowring R=1          8.00    2.00-8.00  0.40        0.20 x plain Go      NO, 2.00 times the bar  7.00            
flowring R=3 W=2      16.0    16.0-16.0  0.80        2.20 x flowring R=1  yes                     7.00            
flowring, no journal  25.0    24.0-26.0  1.25        10.0                 NO, 2.50 times the bar  7.00            
`
	if got := text.String(); got != want {
		t.Errorf("writeTable = %s\nwant %s", got, want)
	}
}

func TestCheckFailsForACostFarAboveItsBar(t *testing.T) {
	rows := measured().rows()
	if err := check(rows, 2.6); err != nil {
		t.Errorf("check(2.6) = %v, want nil", err)
	}
	if err := check(rows, 2); err == nil || strings.Count(err.Error(), "M: ") != 1 || !strings.Contains(err.Error(), memory.Name) {
		t.Errorf("check(2) = %v, want the one that is over", err)
	}
	if err := check(rows, 1); err == nil || strings.Count(err.Error(), "M: ") != 2 {
		t.Errorf("check(1) = %v, want both", err)
	}
}

func TestNumbersHaveThreeDigits(t *testing.T) {
	for in, want := range map[float64]string{0: "", 0.066: "0.07", 1.4: "1.40", 12.34: "12.3", 817.4: "817", 12345: "12345"} {
		if got := number(in); got != want {
			t.Errorf("number(%v) = %q, want %q", in, got, want)
		}
	}
}
