package load

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

const (
	subBits = 7            // of a value that tell it from others of its magnitude
	half    = 1 << subBits // buckets for each power of two
	buckets = (63-subBits)*half + half
)

// Histogram counts durations in buckets whose width grows with the value: each power of two is cut into 128, so that a quantile is
// at most 1/128 too high. It takes 57 kB whatever it holds. The layout is that of HdrHistogram
// (http://hdrhistogram.org). It may be used by many goroutines at once.
type Histogram struct {
	counts [buckets]atomic.Uint64
	max    atomic.Int64
}

// Add counts one duration. A negative one, which a clock set back would give, counts as zero.
func (h *Histogram) Add(d time.Duration) {
	d = max(d, 0)
	h.counts[bucket(d)].Add(1)
	for most := h.max.Load(); int64(d) > most && !h.max.CompareAndSwap(most, int64(d)); most = h.max.Load() {
	}
}

// bucket returns where d is counted: values below 256 have a bucket each, 256 to 511 one for two, and so on.
func bucket(d time.Duration) int {
	v := uint64(d)
	shift := max(bits.Len64(v)-subBits-1, 0)
	return shift*half + int(v>>shift)
}

// highest returns the largest value of a bucket.
func highest(bucket int) time.Duration {
	shift := max(bucket/half-1, 0)
	return time.Duration(uint64(bucket-shift*half+1)<<shift - 1)
}

// Counts is what a Histogram held at some time.
type Counts struct {
	counts [buckets]uint64
	total  uint64
	max    time.Duration
}

// Counts returns what has been counted. What is added meanwhile may be in it or not.
func (h *Histogram) Counts() *Counts {
	c := &Counts{}
	for i := range h.counts {
		c.counts[i] = h.counts[i].Load()
		c.total += c.counts[i]
	}
	c.max = time.Duration(h.max.Load())
	return c
}

// Since returns what was counted after an earlier look at the same histogram.
func (c *Counts) Since(earlier *Counts) *Counts {
	d := &Counts{max: c.max, total: c.total - earlier.total}
	for i := range c.counts {
		d.counts[i] = c.counts[i] - earlier.counts[i]
	}
	return d
}

// Total returns how many durations there are.
func (c *Counts) Total() uint64 { return c.total }

// Max returns the largest duration, exactly; 0 when there is none.
func (c *Counts) Max() time.Duration { return c.max }

// Quantile returns a duration that a fraction q of all do not pass, 0 when there is none.
func (c *Counts) Quantile(q float64) time.Duration {
	rank := max(uint64(math.Ceil(q*float64(c.total))), 1)
	var seen uint64
	for i, n := range c.counts {
		if seen += n; n > 0 && seen >= rank {
			return min(highest(i), c.max)
		}
	}
	return 0
}
