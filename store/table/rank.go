package table

import (
	"cmp"
	"math/bits"
	"slices"

	"flowring/flow"
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
	for _, name := range sortedNames(v.names) {
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
			used[k.src] |= 1 << srcPart
			used[k.dest] |= 1 << destPart
			used[k.vpc] |= 1 << vpcPart
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

// rankedName is a name during the sort.
type rankedName struct {
	prefix uint64 // of the bytes to compare next
	name   uint32
}

// sortedNames returns the numbers of the names, which differ, in the order of the names. It compares 7 bytes at a
// time as one number, because the names themselves are far apart in memory.
func sortedNames(names []string) []uint32 {
	ranked := make([]rankedName, len(names))
	for i := range ranked {
		ranked[i].name = uint32(i)
	}
	sortNames(names, ranked, 0)
	sorted := make([]uint32, len(names))
	for i := range ranked {
		sorted[i] = ranked[i].name
	}
	return sorted
}

// sortNames sorts by the bytes of the names from a position on. The bytes before it are the same in all of them.
func sortNames(names []string, ranked []rankedName, from int) {
	var order flow.Prefixer
	for i := range ranked {
		ranked[i].prefix = order.Prefix(names[ranked[i].name][from:])
	}
	slices.SortFunc(ranked, func(a, b rankedName) int { return cmp.Compare(a.prefix, b.prefix) })
	for len(ranked) > 0 {
		same := 1
		for same < len(ranked) && ranked[same].prefix == ranked[0].prefix {
			same++
		}
		if same > 1 {
			sortNames(names, ranked[:same], from+flow.PrefixBytes)
		}
		ranked = ranked[same:]
	}
}
