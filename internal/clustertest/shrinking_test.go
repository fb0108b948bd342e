package clustertest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Shrinking makes a failed scenario small enough for a reader. The order of goroutines differs between runs, so a run
// without the failure proves nothing, and one failure may be chance. A candidate therefore has to fail twice, within
// about as many runs as the whole scenario needed for two failures.
type Shrinking struct {
	Fails func(Scenario) bool // runs a scenario once and reports whether it fails in the same way
	Runs  int                 // most calls of Fails
	Time  time.Duration       // limit; a run in progress is finished
	Logf  func(format string, args ...any)

	runs  int
	until time.Time
}

const (
	proof = 2  // failures that prove a scenario
	again = 20 // runs of the whole scenario for this many failures
	spare = 2  // additional runs of a candidate
)

// Shrink returns a part of s that still fails, as small as the budget allows, with consecutive waits joined. It reports
// false if s itself does not fail again.
func (k *Shrinking) Shrink(s Scenario) (Scenario, bool) {
	k.runs, k.until = 0, time.Now().Add(k.Time)
	if !k.fails(s, again) {
		k.Logf("shrink: %d steps did not fail %d times in %d runs", len(s), proof, k.runs)
		return s, false
	}
	tries := k.runs + spare
	for size := len(s); size > 0; {
		before := len(s)
		s = k.without(s, size, tries)
		if size > 1 || len(s) == before { // after one step is left out, another step may be needless
			size /= 2
		}
	}
	k.Logf("shrink: %d steps left after %d runs", len(s), k.runs)
	return s, true
}

// without leaves out every run of size steps that the failure does not need.
func (k *Shrinking) without(s Scenario, size, tries int) Scenario {
	for i := 0; i+size <= len(s); {
		smaller := joinWaits(slices.Delete(slices.Clone(s), i, i+size))
		if !k.fails(smaller, tries) {
			i += size
			continue
		}
		s = smaller
		k.Logf("shrink: %d steps fail, after %d runs", len(s), k.runs)
	}
	return s
}

// fails reports whether a scenario fails often enough within some runs. After the end of the budget it reports false.
func (k *Shrinking) fails(s Scenario, tries int) bool {
	missing := proof
	for left := tries; missing > 0 && missing <= left; left-- {
		if k.runs >= k.Runs || time.Now().After(k.until) {
			return false
		}
		k.runs++
		if k.Fails(s) {
			missing--
		}
	}
	return missing == 0
}

// joinWaits joins consecutive waits.
func joinWaits(s Scenario) Scenario {
	var joined Scenario
	for _, step := range s {
		text, ok := strings.CutPrefix(step, "wait ")
		last := len(joined) - 1
		if ok && last >= 0 {
			if before, ok := strings.CutPrefix(joined[last], "wait "); ok {
				joined[last] = fmt.Sprintf("wait %d", (ms(before) + ms(text)).Milliseconds())
				continue
			}
		}
		joined = append(joined, step)
	}
	return joined
}
