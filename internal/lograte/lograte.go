// Package lograte limits how often a recurring message is logged.
package lograte

import (
	"sync"
	"time"
)

// Interval is the least time between two log lines of one Limiter.
const Interval = 10 * time.Second

// Limiter limits the log lines about one kind of event. The zero value is ready to use, by any number of goroutines.
type Limiter struct {
	mu      sync.Mutex
	last    time.Time // when the last line was allowed; zero: never
	pending int       // events since then
}

// Allow counts one event. If a line about it may be logged now, Allow returns how many events the line stands for: this
// one and those since the line before. It returns 0 if the last line is less than Interval ago.
func (l *Limiter) Allow(now time.Time) (events int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending++
	if !l.last.IsZero() && now.Sub(l.last) < Interval {
		return 0
	}
	events, l.pending, l.last = l.pending, 0, now
	return events
}
