package load

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestBucketsFollowEachOther(t *testing.T) {
	if got := bucket(math.MaxInt64); got != buckets-1 {
		t.Errorf("bucket(2^63-1) = %d, want the last, %d", got, buckets-1)
	}
	for i := range buckets - 1 {
		if got := bucket(highest(i)); got != i {
			t.Fatalf("bucket(highest(%d)) = %d, want %d", i, got, i)
		}
		if got := bucket(highest(i) + 1); got != i+1 {
			t.Fatalf("bucket(highest(%d)+1) = %d, want %d", i, got, i+1)
		}
	}
}

func TestQuantilesAreCloseToThoseOfTheSortedValues(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for name, draw := range map[string]func() time.Duration{
		"one value":           func() time.Duration { return 12_345_678 },
		"a few values":        func() time.Duration { return time.Duration(rng.IntN(5)) },
		"a uniform spread":    func() time.Duration { return time.Duration(rng.IntN(int(time.Second))) },
		"many magnitudes":     func() time.Duration { return time.Duration(math.Exp(rng.Float64() * 43)) },
		"a long tail":         func() time.Duration { return time.Duration(float64(time.Millisecond) / (1 - rng.Float64())) },
		"the longest of them": func() time.Duration { return math.MaxInt64 },
	} {
		var h Histogram
		var all []time.Duration
		for range 10_000 {
			d := draw()
			h.Add(d)
			all = append(all, d)
		}
		slices.Sort(all)
		c := h.Counts()
		for _, q := range []float64{0, .001, .5, .9, .99, .999, .9999, 1} {
			want := all[max(int(math.Ceil(q*10_000)), 1)-1]
			if got := c.Quantile(q); got < want || float64(got-want) > float64(want)/half {
				t.Errorf("%s: Quantile(%v) = %d, want %d or up to 1/%d more", name, q, got, want, half)
			}
		}
		if c.Max() != all[len(all)-1] || c.Total() != 10_000 {
			t.Errorf("%s: Max() = %v of %d, want %v of 10000", name, c.Max(), c.Total(), all[len(all)-1])
		}
	}
}

func TestSinceHoldsLaterDurations(t *testing.T) {
	var h Histogram
	h.Add(time.Second)
	earlier := h.Counts()
	h.Add(time.Millisecond)
	h.Add(-time.Millisecond)
	got := h.Counts().Since(earlier)
	if got.Total() != 2 || got.Quantile(.5) != 0 || got.Quantile(1) > 1010*time.Microsecond {
		t.Errorf("Since() has %d values up to %v, want 2 up to 1 ms", got.Total(), got.Quantile(1))
	}
	if none := earlier.Since(earlier); none.Quantile(.99) != 0 {
		t.Errorf("Quantile() of nothing = %v, want 0", none.Quantile(.99))
	}
}
