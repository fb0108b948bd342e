package store

import (
	"cmp"
	"math/bits"
	"slices"

	"flowring/flow"
)

// The parts of a key, the last one that flows are sorted by first.
const (
	vpcPart = iota
	destPart
	srcPart
	parts
)

// ranks are, for each part, the places of the names that come in it, among these sorted; by number of the name. To rank the parts
// apart keeps the ranks small: VPCs are few.
type ranks struct {
	of    [parts][]uint32
	width [parts]int // the bits that the ranks take
}

// rank ranks the names of r.
func (r *Reading) rank() *ranks {
	used := r.usedIn()
	ranks := new(ranks)
	for part := range ranks.of {
		ranks.of[part] = make([]uint32, len(r.names))
	}
	var next [parts]uint32
	for _, name := range sortedNames(r.names) {
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

// usedIn returns for each name a bit for each part that it comes in.
func (r *Reading) usedIn() []uint8 {
	used := make([]uint8, len(r.names))
	for i := range r.shards {
		for _, k := range r.shards[i].keys {
			used[k.src] |= 1 << srcPart
			used[k.dest] |= 1 << destPart
			used[k.vpc] |= 1 << vpcPart
		}
	}
	return used
}

// fitting returns the last of the parts from first on that fit into so many bits together, at least one, how far each of them must be
// shifted, all others out of the word, and how many bits they take.
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

// rankedName is a name while it is sorted.
type rankedName struct {
	word uint64 // of what of it is compared
	name uint32
}

// sortedNames returns the numbers of the names, which differ, in the order of the names. They are sorted by 7 bytes at a time: names
// themselves are far apart in memory.
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

// sortNames sorts by what the names have from a byte on; what is before it is the same in all of them.
func sortNames(names []string, ranked []rankedName, from int) {
	var order flow.Prefixer
	for i := range ranked {
		ranked[i].word = order.Prefix(names[ranked[i].name][from:])
	}
	slices.SortFunc(ranked, func(a, b rankedName) int { return cmp.Compare(a.word, b.word) })
	for len(ranked) > 0 {
		same := 1
		for same < len(ranked) && ranked[same].word == ranked[0].word {
			same++
		}
		if same > 1 {
			sortNames(names, ranked[:same], from+flow.PrefixBytes)
		}
		ranked = ranked[same:]
	}
}
