package main

import (
	"strings"
	"testing"

	"flowring/internal/bench/workload"
)

func TestTheTableShowsGrowthBeyondTheExpected(t *testing.T) {
	d := dimension{
		title: "Flows", varied: flows, values: []int{10, 100, 1000}, set: func(p *point, n int) { p.flows = n },
	}
	known := map[point]figures{
		d.at(10):  {postAgain: 1, getCPU: 2, startTime: 3},
		d.at(100): {postAgain: 2, getCPU: 28, startTime: 60},
	}
	var text strings.Builder
	if err := writeGrowth(&text, d, known); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"EXPECTED 10 100 1000 MORE THAN EXPECTED",
		"POST, known flows CPU µs per record flat 1.00 2.00 x2.00 x2.00 to 100",
		"GET of an hour CPU ms linear 2.00 28.0 x14.0",
		"start after kill -9, all nodes s linear 3.00 60.0 x20.0 x20.0 to 100",
		"disk, tables bytes per record and copy flat",
	} {
		found := false
		for line := range strings.Lines(text.String()) {
			found = found || strings.Join(strings.Fields(line), " ") == want
		}
		if !found {
			t.Errorf("no line %q in\n%s", want, text.String())
		}
	}
}

func TestEachDimensionVariesOneNumber(t *testing.T) {
	for _, d := range dimensions {
		for _, n := range d.values {
			p := d.at(n)
			if p.flows%workload.BodyRecords != 0 || p.flows*p.hours*p.nodes*p.copies == 0 || p.copies > p.nodes {
				t.Errorf("%s: %d is %+v, want whole bodies, and no more copies than nodes", d.title, n, p)
			}
			for _, value := range [...]struct{ base, at int }{{d.base.flows, p.flows}, {d.base.hours, p.hours}, {d.base.nodes, p.nodes}, {d.base.copies, p.copies}} {
				if value.at != value.base && (value.base != 0 || value.at != n) {
					t.Errorf("%s: %d is %+v, want one number of %+v to differ", d.title, n, p, d.base)
				}
			}
		}
	}
}
