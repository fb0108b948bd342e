package radix

import (
	"cmp"
	"slices"

	"flowring/flow/prefix"
)

// rankedName is a name during the sort.
type rankedName struct {
	prefix uint64 // of the bytes to compare next
	name   uint32
}

// SortNames returns the numbers of the names, which differ, in the order of the names. It compares 7 bytes at a
// time as one number, because the names themselves are far apart in memory.
func SortNames(names []string) []uint32 {
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
	var order prefix.Prefixer
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
			sortNames(names, ranked[:same], from+prefix.Bytes)
		}
		ranked = ranked[same:]
	}
}
