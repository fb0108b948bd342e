package clock

import (
	"log/slog"
	"slices"
	"sync"
	"time"
)

const (
	// Limit is the offset above which a clock is off.
	Limit = 5 * time.Minute

	// WarnEvery is the least time between two warnings.
	WarnEvery = 10 * time.Minute
)

// Clock is the clock of this machine, with its offset to the clocks of the other nodes.
type Clock struct {
	now       func() time.Time
	monotonic func() time.Duration
	log       *slog.Logger

	mu       sync.Mutex
	offset   time.Duration // to the median of the others; positive: this clock is ahead
	compared int           // clocks of others in the last round
	warned   time.Time     // zero: never
	reported bool          // the last line of the log says that the clock is off
}

// New returns a clock without an offset yet. now is the wall clock of the machine, and monotonic the time since an
// arbitrary begin, which no change of the wall clock touches; nil: the time since New.
func New(now func() time.Time, monotonic func() time.Duration, log *slog.Logger) *Clock {
	if begun := time.Now(); monotonic == nil {
		monotonic = func() time.Duration { return faster(time.Since(begun)) }
	}
	return &Clock{now: now, monotonic: monotonic, log: log}
}

// Monotonic returns the time since an arbitrary begin. Rules about uptime ask it, so that a test can run it faster.
func (c *Clock) Monotonic() time.Duration { return c.monotonic() }

// Millis returns the time in milliseconds since 1970, for a heartbeat.
func (c *Clock) Millis() int64 { return c.now().UnixMilli() }

// Ahead returns how far this clock is ahead of the clock of a node that has just answered with its time. took is the
// time of the call. It reports false if the node said no clock.
func (c *Clock) Ahead(millis int64, took time.Duration) (ahead time.Duration, said bool) {
	return c.now().Add(-took / 2).Sub(time.UnixMilli(millis)), millis != 0
}

// Compare takes the differences of one round: how far this clock is ahead of the clock of each other node.
func (c *Clock) Compare(ahead []time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset, c.compared = median(ahead), len(ahead)
	since := time.Now()
	switch {
	case c.isOff() && (c.warned.IsZero() || since.Sub(c.warned) >= WarnEvery):
		c.warned, c.reported = since, true
		c.log.Warn("clock is off", "ahead", c.offset.Round(time.Second), "compared", c.compared)
	case !c.isOff() && c.compared > 0 && c.reported:
		c.reported = false
		c.log.Info("clock agrees again", "ahead", c.offset.Round(time.Millisecond), "compared", c.compared)
	}
}

// median returns the median of differences; of two middle values the one nearer to 0; of none 0.
func median(ahead []time.Duration) time.Duration {
	if len(ahead) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(ahead))
	low, high := sorted[(len(sorted)-1)/2], sorted[len(sorted)/2]
	switch {
	case low > 0:
		return low
	case high < 0:
		return high
	case high < -low:
		return high
	}
	return low
}

// Off reports whether the offset is more than Limit.
func (c *Clock) Off() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.isOff()
}

func (c *Clock) isOff() bool { return c.offset > Limit || c.offset < -Limit }

// Offset returns the offset of this clock, positive if it is ahead, and the number of clocks compared. It is 0 without
// another clock.
func (c *Clock) Offset() (offset time.Duration, compared int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset, c.compared
}
