package clustertest

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"flowring/internal/safeguard"
)

// shrink makes a failed history small, within a minute, and returns it as a test for the commit with the fix.
func shrink(t *testing.T, opts Options, s Scenario, fault string) string {
	small, failed := shrinkingOf(t, opts, fault).Shrink(s)
	if !failed {
		return "not shrunk: it did not fail again; whole:\n" + asTest(opts, s)
	}
	return "shrunk:\n" + asTest(opts, small)
}

// shrinkingOf returns the Shrinking of a history for the promise of a fault.
func shrinkingOf(t *testing.T, opts Options, fault string) *Shrinking {
	return &Shrinking{
		Fails: func(s Scenario) bool { return breaks(promiseOf(fault), history(t, opts, s).Faults) },
		Runs:  200, Time: time.Minute, Logf: t.Logf,
	}
}

var promiseInFault = regexp.MustCompile(`\(P\d+\)`)

// promiseOf returns the promise of a fault, such as "(P4)"; "" if it names none.
func promiseOf(fault string) string { return promiseInFault.FindString(fault) }

// breaks reports whether a fault names the promise; for "" whether there is any fault.
func breaks(promise string, faults []string) bool {
	return slices.ContainsFunc(faults, func(fault string) bool { return strings.Contains(fault, promise) })
}

// asTest returns a history as the text of a test.
func asTest(opts Options, s Scenario) string {
	return fmt.Sprintf(`func TestHistory%d(t *testing.T) {
	opts := Options{Seed: %d, Copies: %d, Quorum: %d}
	for _, fault := range history(t, opts, ParseScenario(%[5]s%[6]s%[5]s)).Faults {
		t.Error(fault)
	}
}
`, opts.Seed, opts.Seed, opts.Copies, opts.Quorum, "`", indented(s))
}

func indented(s Scenario) string {
	if len(s) == 0 {
		return ""
	}
	return "\n\t\t" + strings.Join(s, "\n\t\t")
}

// Shrinking keeps only the steps that the failure needs, even if one run in three fails.
func TestShrinkingKeepsTheStepsThatMatter(t *testing.T) {
	var whole Scenario
	for i := range 24 {
		whole = append(whole, fmt.Sprintf("step %d", i))
	}
	for _, tt := range []struct {
		name    string
		needed  Scenario
		percent int // share of the runs with the needed steps that fail
		runs    int
		want    Scenario
		again   bool
	}{
		{"no step matters", nil, 100, 200, nil, true},
		{"one step matters", Scenario{"step 11"}, 100, 200, Scenario{"step 11"}, true},
		{"three steps matter, far from each other", Scenario{"step 0", "step 12", "step 23"}, 100, 200, Scenario{"step 0", "step 12", "step 23"}, true},
		{"one run in three fails", Scenario{"step 3", "step 17"}, 33, 2000, Scenario{"step 3", "step 17"}, true},
		{"it never fails again", nil, 0, 200, whole, false},
		{"the budget ends before the proof", Scenario{"step 11"}, 100, 1, whole, false},
		{"the budget ends half-way", whole[:12], 100, 10, whole[:12], true},
	} {
		rng := rand.New(rand.NewPCG(1, 2))
		runs := 0
		k := Shrinking{Runs: tt.runs, Time: time.Hour, Logf: func(string, ...any) {}, Fails: func(s Scenario) bool {
			runs++
			has := func(step string) bool { return slices.Contains(s, step) }
			return !slices.ContainsFunc(tt.needed, func(step string) bool { return !has(step) }) && rng.IntN(100) < tt.percent
		}}
		got, again := k.Shrink(whole)
		if !slices.Equal(got, tt.want) || again != tt.again {
			t.Errorf("%s: Shrink = %q, %t, want %q, %t", tt.name, got, again, tt.want, tt.again)
		}
		if runs > tt.runs {
			t.Errorf("%s: %d runs, want %d at most", tt.name, runs, tt.runs)
		}
	}
}

// A history that fails without a safeguard shrinks to a few steps. They fail without the safeguard, and not with it.
func TestAFailingHistoryIsShrunkToAFewSteps(t *testing.T) {
	t.Parallel()
	opts := Options{Seed: 7, Copies: 3, Quorum: 2, Disabled: safeguard.Quorum}
	short := func() Scenario { return RandomScenario(rand.New(rand.NewPCG(opts.Seed, 7)), opts.Quorum, 3, 4) }
	for !breaks("(P4)", history(t, opts, short()).Faults) {
		opts.Seed++
	}
	whole := short()
	small, again := shrinkingOf(t, opts, "(P4)").Shrink(whole)
	t.Logf("seed %d: %d steps of %d\n%s", opts.Seed, len(small), len(whole), asTest(opts, small))
	if !again || len(small) > 6 {
		t.Errorf("Shrink = %d steps, %t, want 6 at most that fail", len(small), again)
	}
	opts.Disabled = 0
	for range 3 {
		for _, fault := range history(t, opts, small).Faults {
			t.Errorf("with the safeguard: %s", fault)
		}
	}
}
