package table

import (
	"math/bits"

	"flowring/internal/radix"
)

// The parts of a key, the least significant one first.
const (
	vpcPart = iota
	destPart
	srcPart
	parts
)

// ranks holds, for each part of a key, the rank of each name among the names of this part. Each part is ranked apart
// to keep the ranks small: VPCs are few.
type ranks struct {
	of    [parts][]uint32 // by number of the name
	width [parts]int      // bits of the ranks
}

// rank ranks the names of v.
func (v *View) rank() *ranks {
	used := v.usedIn()
	ranks := new(ranks)
	for part := range ranks.of {
		ranks.of[part] = make([]uint32, len(v.names))
	}
	var next [parts]uint32
	for _, name := range radix.SortNames(v.names) {
		for part := range next {
			ranks.of[part][name] = next[part]
			next[part] += uint32(used[name] >> part & 1)
		}
	}
	for part, n := range next {
		ranks.width[part] = bits.Len32(max(n, 1) - 1)
	}
	return ranks
}

// usedIn returns for each name a set of bits: one for each part of a key in which the name occurs.
func (v *View) usedIn() []uint8 {
	used := make([]uint8, len(v.names))
	for i := range v.shards {
		for _, k := range v.shards[i].keys {
			used[k.Src] |= 1 << srcPart
			used[k.Dest] |= 1 << destPart
			used[k.VPC] |= 1 << vpcPart
		}
	}
	return used
}

// fitting selects the parts of one round of the sort: as many parts from first on as fit into room bits, at least
// one. It returns the last of them, the number of bits by which each part is shifted, and their width together in
// bits. All other parts are shifted out of the word.
func (r *ranks) fitting(first, room int) (last int, shift [parts]int, width int) {
	for part := range shift {
		shift[part] = 64
	}
	for last = first; ; last++ {
		shift[last] = width
		width += r.width[last]
		if last+1 == parts || width+r.width[last+1] > room {
			return last, shift, width
		}
	}
}
