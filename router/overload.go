package router

import (
	"errors"
	"math/rand/v2"
	"time"
)

// errOverloaded is what every refusal for a limit of this node is.
var errOverloaded = errors.New("this node holds as many requests as it may")

// The limits that a request can meet, as metrics name them.
const (
	limitMemory = "memory" // the process has too little memory left
	limitPosts  = "posts"  // Config.MaxPosts
	limitBytes  = "bytes"  // Config.MaxBuffered
	limitWait   = "wait"   // Config.MaxWait
	limitReads  = "reads"  // Config.MaxReading
)

// overloadError says which limit a request met, and when to come back.
type overloadError struct {
	limit string
	after int // seconds
}

func (e *overloadError) Error() string {
	if e.limit == limitMemory {
		return "this node has too little memory left"
	}
	return errOverloaded.Error()
}

// Is makes it an errOverloaded.
func (e *overloadError) Is(target error) bool { return target == errOverloaded }

// limitOf returns the name of the limit that an errOverloaded is about.
func limitOf(err error) string {
	var overload *overloadError
	if errors.As(err, &overload) {
		return overload.limit
	}
	return limitReads
}

// refusal returns the refusal for a limit.
func (d *door) refusal(limit string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.refuse(limit)
}

// refuse returns the refusal for a limit. The caller holds mu.
func (d *door) refuse(limit string) error {
	d.lately.count(time.Now(), &d.lately.refused)
	return &overloadError{limit: limit, after: d.lately.after()}
}

// lately counts posts within about a second.
type lately struct {
	since          time.Time
	letIn, refused int
	ratio          int // refused for each that was let in, a second ago
}

// count adds one to letIn or refused.
func (l *lately) count(now time.Time, n *int) {
	if now.Sub(l.since) >= time.Second {
		l.ratio = l.refused / max(l.letIn, 1)
		l.since, l.letIn, l.refused = now, 0, 0
	}
	*n++
}

// mostAfter is the longest time in seconds that clients are sent away for: it is over when they are back.
const mostAfter = 5

// after draws in how many seconds to come back. Where r posts are refused for each that is let in they are spread over 2+r seconds, so
// that of those who were refused together not many more come back together than can be taken.
func (l *lately) after() int {
	ratio := max(l.ratio, l.refused/max(l.letIn, 1))
	return 1 + rand.IntN(min(2+ratio, mostAfter))
}
