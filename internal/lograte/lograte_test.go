package lograte

import (
	"testing"
	"time"
)

func TestARecurringEventIsLoggedOncePerInterval(t *testing.T) {
	var limiter Limiter
	start := time.Now()
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {1, 0}, {Interval - 1, 0}, {Interval, 3}, {Interval + 1, 0}, {3 * Interval, 2}} {
		if got := limiter.Allow(start.Add(step.after)); got != step.want {
			t.Errorf("Allow() after %v = %d, want %d", step.after, got, step.want)
		}
	}
}

func TestABurstIsLogged(t *testing.T) {
	limiter, start := Limiter{Burst: 2}, time.Now()
	for i, step := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {Interval - 1, 1}, {Interval - 1, 0}, {Interval, 2}, {Interval, 1}, {2*Interval - 1, 0}, {3 * Interval, 2}} {
		if got := limiter.Allow(start.Add(step.after)); got != step.want {
			t.Errorf("event %d: Allow() after %v = %d, want %d", i, step.after, got, step.want)
		}
	}
}
