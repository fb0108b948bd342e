package admission

import (
	"math/rand/v2"
	"time"

	"flowring/internal/contract"
)

// The limits on POSTs, as metrics name them.
const (
	LimitMemory = "memory" // the process has too little memory left
	LimitPosts  = "posts"  // Config.MaxPosts
	LimitBytes  = "bytes"  // Config.MaxBytes
	LimitWait   = "wait"   // Config.MaxWait
)

// OverloadError is the refusal contract.Overloaded. It names the limit, and the delay after which the client should try
// again.
type OverloadError struct {
	Limit      string
	RetryAfter int    // seconds
	Reason     string // for the client; empty: the one of the limit
}

// Error returns the reason.
func (e *OverloadError) Error() string {
	switch {
	case e.Reason != "":
		return e.Reason
	case e.Limit == LimitMemory:
		return "this node has too little memory left"
	}
	return contract.Overloaded.Error()
}

// Refusal returns contract.Overloaded.
func (e *OverloadError) Refusal() contract.Refusal { return contract.Overloaded }

// Refuse counts a refusal for a limit and returns it.
func (c *Controller) Refuse(limit string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refuse(limit)
}

// refuse is Refuse. The caller holds mu.
func (c *Controller) refuse(limit string) error {
	c.recent.count(time.Now(), &c.recent.refused)
	return &OverloadError{Limit: limit, RetryAfter: c.recent.retryAfter()}
}

// recentLoad counts the POSTs of the current second.
type recentLoad struct {
	since            time.Time
	granted, refused int
	ratio            int // refused POSTs for each granted one, in the second before
}

// count adds one to n, which is granted or refused.
func (l *recentLoad) count(now time.Time, n *int) {
	if now.Sub(l.since) >= time.Second {
		l.ratio = l.refused / max(l.granted, 1)
		l.since, l.granted, l.refused = now, 0, 0
	}
	*n++
}

// MaxRetryAfter is the longest Retry-After, in seconds. An overload mostly ends earlier.
const MaxRetryAfter = 5

// retryAfter returns a random delay of 1 to 2+r seconds, at most MaxRetryAfter, where r is the ratio of refused to
// granted POSTs. The delay spreads the return of refused clients.
func (l *recentLoad) retryAfter() int {
	ratio := max(l.ratio, l.refused/max(l.granted, 1))
	return 1 + rand.IntN(min(2+ratio, MaxRetryAfter))
}
