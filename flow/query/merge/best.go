package merge

import (
	"cmp"
	"slices"
	"strings"

	"flowring/flow/query"
)

// candidate is a group among the best so far. In a series it has a row for each time.
type candidate struct {
	query.Row
	times []query.Row
}

// best holds the best groups so far: a binary heap with the worst one first.
type best struct {
	most    int
	measure query.Measure
	least   bool // the smallest groups are the best
	heap    []candidate
}

// compare orders groups from the best to the worst. Ties are in the order of keys.
func (b *best) compare(x, y *query.Row) int {
	bySum := b.measure.Of(y).Compare(b.measure.Of(x))
	if b.least {
		bySum = -bySum
	}
	return cmp.Or(bySum, x.Compare(y.Key))
}

// offer takes a group in if it is among the best. It returns the group that is not: the offered one, or the worst so
// far. ok is false if there is none.
func (b *best) offer(c candidate) (rejected candidate, ok bool) {
	switch {
	case len(b.heap) < b.most:
		b.heap = append(b.heap, c.clone())
		b.rise(len(b.heap) - 1)
		return candidate{}, false
	case b.compare(&c.Row, &b.heap[0].Row) >= 0:
		return c, true
	}
	rejected = b.heap[0]
	b.heap[0] = c.clone()
	sink(b.heap, 0, b.above)
	return rejected, true
}

// clone returns a copy for the heap. Its names are copies too, because a name may be a part of the text of a whole
// frame, which would stay in memory.
func (c candidate) clone() candidate {
	c.Src, c.Dest, c.VPC = strings.Clone(c.Src), strings.Clone(c.Dest), strings.Clone(c.VPC)
	c.times = slices.Clone(c.times)
	for i := range c.times {
		c.times[i].Src, c.times[i].Dest, c.times[i].VPC = c.Src, c.Dest, c.VPC
	}
	return c
}

// above reports whether a group belongs above another one in the heap: it is worse.
func (b *best) above(i, k int) bool { return b.compare(&b.heap[i].Row, &b.heap[k].Row) > 0 }

// rise restores the heap after the group at i was added.
func (b *best) rise(i int) {
	for i > 0 && b.above(i, (i-1)/2) {
		b.heap[(i-1)/2], b.heap[i] = b.heap[i], b.heap[(i-1)/2]
		i = (i - 1) / 2
	}
}

// sorted returns the groups, the best one first.
func (b *best) sorted() []candidate {
	slices.SortFunc(b.heap, func(x, y candidate) int { return b.compare(&x.Row, &y.Row) })
	return b.heap
}
