// Package lograte limits how often a recurring message is logged.
package lograte

import (
	"sync"
	"time"
)

// Interval is the time in which a Limiter allows a number of lines.
const Interval = 10 * time.Second

// Limiter limits the log lines about one kind of event. The zero value is ready to use, by any number of goroutines.
type Limiter struct {
	Burst int // lines in an Interval; 0: one. It is set before the first event.

	mu      sync.Mutex
	began   time.Time // when the first line of the present Interval was allowed; zero: none yet
	lines   int       // since then
	pending int       // events without a line
}

// Allow counts one event. If a line about it may be logged now, Allow returns how many events the line stands for: this
// one and those since the line before. It returns 0 if there are as many lines as may be since the first one.
func (l *Limiter) Allow(now time.Time) (events int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending++
	if l.began.IsZero() || now.Sub(l.began) >= Interval {
		l.began, l.lines = now, 0
	}
	if l.lines >= max(l.Burst, 1) {
		return 0
	}
	l.lines++
	events, l.pending = l.pending, 0
	return events
}
