package load

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

const (
	subBits = 7            // significant bits of a value after its highest bit
	half    = 1 << subBits // buckets for each power of two
	buckets = (63-subBits)*half + half
)

// Histogram counts durations in buckets whose width grows with the value: each power of two has 128 buckets, so a
// quantile is at most 1/128 too high. It always takes 57 kB. The layout is the one of HdrHistogram
// (http://hdrhistogram.org). It is safe for concurrent use.
type Histogram struct {
	counts [buckets]atomic.Uint64
	max    atomic.Int64
}

// Add counts one duration. A negative duration, caused by a clock set back, counts as zero.
func (h *Histogram) Add(d time.Duration) {
	d = max(d, 0)
	h.counts[bucket(d)].Add(1)
	for most := h.max.Load(); int64(d) > most && !h.max.CompareAndSwap(most, int64(d)); most = h.max.Load() {
	}
}

// bucket returns the bucket of d: values below 256 have a bucket each, pairs of values from 256 to 511 share one, and
// so on.
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

// Counts is the content of a Histogram at one time.
type Counts struct {
	counts [buckets]uint64
	total  uint64
	max    time.Duration
}

// Counts returns the content. A duration that is added during the call may be missing.
func (h *Histogram) Counts() *Counts {
	c := &Counts{}
	for i := range h.counts {
		c.counts[i] = h.counts[i].Load()
		c.total += c.counts[i]
	}
	c.max = time.Duration(h.max.Load())
	return c
}

// Since returns the difference from earlier Counts of the same histogram.
func (c *Counts) Since(earlier *Counts) *Counts {
	d := &Counts{max: c.max, total: c.total - earlier.total}
	for i := range c.counts {
		d.counts[i] = c.counts[i] - earlier.counts[i]
	}
	return d
}

// Total returns the number of durations.
func (c *Counts) Total() uint64 { return c.total }

// Max returns the largest duration, exactly; 0 when there is none.
func (c *Counts) Max() time.Duration { return c.max }

// Quantile returns an upper bound of the fraction q of all durations; 0 when there is none.
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
