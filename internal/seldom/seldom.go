// Package seldom thins out what would be logged again and again.
package seldom

import (
	"sync"
	"time"
)

// Every is the pause between two lines of the same kind.
const Every = 10 * time.Second

// Line is a line of the log that may be due often. The zero value is ready for use, by any number of goroutines.
type Line struct {
	mu   sync.Mutex
	last time.Time
	left int // not logged since
}

// Again notes that the line is due, and returns how many times it was since it was logged last, or 0 when it is too early to log it.
func (l *Line) Again(now time.Time) (times int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left++
	if !l.last.IsZero() && now.Sub(l.last) < Every {
		return 0
	}
	times, l.last, l.left = l.left, now, 0
	return times
}
