package ring

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/buraksezer/consistent"
	"github.com/cespare/xxhash/v2"
)

// newCircle places the members on the circle of consistent hashing with bounded loads, which chooses the owners. See
// https://research.google/blog/consistent-hashing-with-bounded-loads/.
func newCircle(members []string, partitions int) *consistent.Consistent {
	points := make([]consistent.Member, len(members))
	for i, name := range members {
		points[i] = point(name)
	}
	return consistent.New(points, consistent.Config{
		Hasher: hasher{}, PartitionCount: partitions, ReplicationFactor: VirtualNodes, Load: Load,
	})
}

// point is the name of a member, in the type required by the circle.
type point string

func (p point) String() string { return string(p) }

// hasher has no seed, because every process must compute the same hashes.
type hasher struct{}

func (hasher) Sum64(b []byte) uint64 { return xxhash.Sum64(b) }

// preferences returns the members, by index, in the order in which they should hold partition p: the owner by the
// circle, then the others by descending score. The arrival or departure of a member does not change the order of the
// others. So if the owner stays, or is the very member that comes or goes, only this member enters or leaves the first
// R of a list.
func preferences(p int, circle *consistent.Consistent, members []string) []int {
	list, scores := make([]int, len(members)), make([]uint64, len(members))
	for i, name := range members {
		list[i], scores[i] = i, score(p, name)
	}
	slices.SortFunc(list, func(a, b int) int {
		return cmp.Or(cmp.Compare(scores[b], scores[a]), cmp.Compare(a, b)) // members are sorted, so ties go by name
	})
	owner, _ := slices.BinarySearch(members, circle.GetPartitionOwner(p).String())
	toFront(list, slices.Index(list, owner))
	return list
}

// share reorders the lists of the slices of an hour, so that no member has more of the hour than its share. It fills
// the lists position by position. For each position every slice in turn takes the first member in the rest of its list
// with part of its share left. Of S slices on N members, each member owns at most ceil(S/N), and is in the first R
// positions of hardly more than ceil(S*R/N) lists. It can be more, because if all members in the rest of a list have
// their share, the first of those with the fewest positions gets one more. A single list does not change.
func share(lists [][]int, members int) {
	filled := make([]int, members) // the number of lists in which a member has its position already
	for position := range members {
		limit := ceilDiv(len(lists)*(position+1), members)
		for _, list := range lists {
			rest := list[position:]
			next := firstBelow(limit, rest, filled)
			filled[rest[next]]++
			toFront(rest, next)
		}
	}
}

// firstBelow returns the index of the first member in the list with fewer than limit positions. If there is none, it
// raises the limit by one until there is.
func firstBelow(limit int, list, filled []int) int {
	for ; ; limit++ {
		if i := slices.IndexFunc(list, func(member int) bool { return filled[member] < limit }); i >= 0 {
			return i
		}
	}
}

// toFront moves element i of the list to its front.
func toFront(list []int, i int) {
	first := list[i]
	copy(list[1:], list[:i])
	list[0] = first
}

// usualName is the expected length of a name. The key of a longer name is allocated on the heap.
const usualName = 64

// score is the weight of a member for partition p in rendezvous hashing (highest random weight, Thaler and Ravishankar
// 1998).
func score(p int, name string) uint64 {
	key := binary.BigEndian.AppendUint64(make([]byte, 0, 8+usualName), uint64(p))
	return xxhash.Sum64(append(key, name...))
}
