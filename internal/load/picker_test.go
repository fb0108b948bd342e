package load

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestElementsAreDrawnInProportion(t *testing.T) {
	const draws = 400_000
	for _, n := range []int{1, 2, 3, 10, 1000} {
		for _, skew := range []float64{0, .5, 1, 1.5, 10} {
			rng := rand.New(rand.NewPCG(uint64(n), 7))
			p := newPicker(n, skew)
			counts := make([]float64, n)
			for range draws {
				counts[p.pick(rng.Uint64())]++
			}
			for i, w := range weights(n, skew) {
				want := w / float64(n) * draws
				if off := math.Abs(counts[i] - want); off > 5*math.Sqrt(want)+1 {
					t.Fatalf("of %d things with skew %v, %d was picked %v times, want %.0f", n, skew, i, counts[i], want)
				}
			}
		}
	}
}

// The table is compared with the law to its last bits, because random draws would not show a small error.
func TestTheTableHoldsZipfsLaw(t *testing.T) {
	const n = 10_000
	got := make([]float64, n)
	for i, part := range newPicker(n, 1.1).parts {
		own := float64(part.cut) / (1 << 32)
		got[i] += own
		got[part.other] += 1 - own
	}
	for i, want := range weights(n, 1.1) {
		if math.Abs(got[i]-want) > 1e-6*(1+want) {
			t.Fatalf("thing %d has weight %v, want %v", i, got[i], want)
		}
	}
}

func TestTheEndsOfTheRangeAreElements(t *testing.T) {
	for _, skew := range []float64{0, 1} {
		p := newPicker(7, skew)
		for _, random := range []uint64{0, math.MaxUint64} {
			if got := p.pick(random); got < 0 || got > 6 {
				t.Errorf("pick(%d) with skew %v = %d, want 0 to 6", random, skew, got)
			}
		}
	}
}
