package clustertest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Shrinking is how a scenario that failed is made small enough to be understood. A history is repeatable only up to the order in which
// goroutines run: one run without the failure proves nothing, and one with it may be luck that the next has not. So a candidate is run
// until it failed twice, for about as long as the whole took to do so.
type Shrinking struct {
	Fails func(Scenario) bool // runs a scenario once and reports whether it fails as it did
	Runs  int                 // how often Fails may be called
	Time  time.Duration       // how long it may go on; the run that is under way then is finished
	Logf  func(format string, args ...any)

	runs  int
	until time.Time
}

const (
	proof = 2  // failures that show that a scenario fails
	again = 20 // runs of the whole scenario in which it must have failed so often
	spare = 2  // runs of a candidate beyond as many as the whole took
)

// Shrink returns a part of s that still fails, as small as the budget allows, with waits in a row made one. It reports false if s
// itself did not fail again.
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
		if size > 1 || len(s) == before { // what was needed beside a step that is gone may not be any more
			size /= 2
		}
	}
	k.Logf("shrink: %d steps left after %d runs", len(s), k.runs)
	return s, true
}

// without leaves out every row of size steps that the failure does not need.
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

// fails reports whether a scenario fails as often as proves it, in at most some runs. When the budget is spent nothing fails any more.
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

// joinWaits makes one wait of those that follow each other.
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
