package seldom

import (
	"testing"
	"time"
)

func TestWhatRecursIsLoggedSeldom(t *testing.T) {
	var line Line
	begun := time.Now()
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {1, 0}, {Every - 1, 0}, {Every, 3}, {Every + 1, 0}, {3 * Every, 2}} {
		if got := line.Again(begun.Add(step.after)); got != step.want {
			t.Errorf("Again() after %v = %d, want %d", step.after, got, step.want)
		}
	}
}
