package main

import (
	"maps"
	"slices"
	"testing"
)

// TestAPointIsMeasured takes the steps that need neither copies nor the program `flowring`.
func TestAPointIsMeasured(t *testing.T) {
	g := growing{point: point{flows: 2000, hours: 2, nodes: 1, copies: 1, slices: 1}, launcher: own(t), figures: figures{}, progress: func(string) {}}
	if err := g.in(t.Context(), nil, g.post, g.read, g.restart, g.repair); err != nil {
		t.Fatal(err)
	}
	want := []figure{postAgain, getCPU, getTime, startCPU, startTime, firstCPU, firstTime, diskBytes}
	if got := slices.Sorted(maps.Keys(g.figures)); !slices.Equal(got, want) {
		t.Errorf("figures %v, want %v", got, want)
	}
	for f, value := range g.figures {
		if value <= 0 {
			t.Errorf("%s = %v %s, want more than nothing", f.name(), value, f.unit())
		}
	}
}
