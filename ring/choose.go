package ring

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/buraksezer/consistent"
	"github.com/cespare/xxhash/v2"
)

// newCircle returns the members on the circle of consistent hashing with bounded loads, which chooses the owners:
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

// point is a member's name as the circle wants it.
type point string

func (p point) String() string { return string(p) }

// hasher is unseeded: every process must compute the same.
type hasher struct{}

func (hasher) Sum64(b []byte) uint64 { return xxhash.Sum64(b) }

// prefer returns the members, by index, in the order in which they should hold partition p: the owner that the circle chooses,
// then the others by falling score. A member that comes or goes leaves these in their order. So, where the owner stays or that
// very member takes over or leaves, it alone enters or leaves a list's first R.
func prefer(p int, circle *consistent.Consistent, members []string) []int {
	list, scores := make([]int, len(members)), make([]uint64, len(members))
	for i, name := range members {
		list[i], scores[i] = i, score(p, name)
	}
	slices.SortFunc(list, func(a, b int) int {
		return cmp.Or(cmp.Compare(scores[b], scores[a]), cmp.Compare(a, b)) // members are sorted: ties go by name
	})
	owner, _ := slices.BinarySearch(members, circle.GetPartitionOwner(p).String())
	toFront(list, slices.Index(list, owner))
	return list
}

// share reorders the lists of the slices of an hour, so that no member has more of the hour than its share. Place after place,
// each slice in turn takes the first in the rest of its list who has a share left: of S slices on N members, each owns ceil(S/N)
// at most, and is on the first R places of hardly more than ceil(S*R/N) lists. Hardly: should all in the rest have theirs already,
// the first of those with the least gets one more. A single list stays as it is.
func share(lists [][]int, members int) {
	has := make([]int, members) // of how many lists a member has a place so far
	for place := range members {
		most := ceilDiv(len(lists)*(place+1), members)
		for _, list := range lists {
			rest := list[place:]
			next := firstBelow(most, rest, has)
			has[rest[next]]++
			toFront(rest, next)
		}
	}
}

// firstBelow returns where in the list the first member stands who has less than most; if none does, less than one more, and so on.
func firstBelow(most int, list, has []int) int {
	for ; ; most++ {
		if i := slices.IndexFunc(list, func(member int) bool { return has[member] < most }); i >= 0 {
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

// score is the weight of a member in the rendezvous for partition p (highest random weight, Thaler and Ravishankar 1998).
func score(p int, name string) uint64 {
	key := binary.BigEndian.AppendUint64(make([]byte, 0, 8+usualName), uint64(p))
	return xxhash.Sum64(append(key, name...))
}
