package load

import (
	"math"
	"math/bits"
)

// picker draws one of n elements, element i with a probability proportional to 1/(i+1)^skew (Zipf's law). With a skew
// it uses Walker's alias method as built by Vose ("A linear algorithm for generating random numbers with a given
// distribution", 1991): a draw costs one multiplication and one access to a table with 8 bytes for each element.
type picker struct {
	n     uint64
	parts []part // nil: all elements are equally likely
}

// part i is one of n equal parts of the range: its first cut/2^32 belong to element i, the rest belongs to element
// other.
type part struct{ cut, other uint32 }

func newPicker(n int, skew float64) *picker {
	p := &picker{n: uint64(n)}
	if skew != 0 {
		p.parts = aliases(weights(n, skew))
	}
	return p
}

// pick maps 64 random bits to an element.
func (p *picker) pick(random uint64) int {
	i, rest := bits.Mul64(random, p.n)
	if p.parts == nil {
		return int(i)
	}
	if part := p.parts[i]; uint32(rest>>32) >= part.cut {
		return int(part.other)
	}
	return int(i)
}

// weights returns the probability of each of n elements, as a multiple of 1/n.
func weights(n int, skew float64) []float64 {
	w := make([]float64, n)
	sum := 0.0
	for i := range w {
		w[i] = math.Pow(float64(i+1), -skew)
		sum += w[i]
	}
	for i := range w {
		w[i] *= float64(n) / sum
	}
	return w
}

// aliases fills the part of each unlikely element with the surplus of a likely element. It changes w.
func aliases(w []float64) []part {
	parts := make([]part, len(w))
	var less, more []uint32
	for i, weight := range w {
		parts[i] = part{math.MaxUint32, uint32(i)} // a part that rounding leaves unfilled belongs to its element
		if weight < 1 {
			less = append(less, uint32(i))
		} else {
			more = append(more, uint32(i))
		}
	}
	for len(less) > 0 && len(more) > 0 {
		small, large := less[len(less)-1], more[len(more)-1]
		less = less[:len(less)-1]
		parts[small] = part{uint32(w[small] * (1 << 32)), large}
		if w[large] -= 1 - w[small]; w[large] < 1 {
			more = more[:len(more)-1]
			less = append(less, large)
		}
	}
	return parts
}
