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
func newCircle(members []string) *consistent.Consistent {
	points := make([]consistent.Member, len(members))
	for i, name := range members {
		points[i] = point(name)
	}
	return consistent.New(points, consistent.Config{
		Hasher: hasher{}, PartitionCount: Partitions, ReplicationFactor: VirtualNodes, Load: Load,
	})
}

// point is a member's name as the circle wants it.
type point string

func (p point) String() string { return string(p) }

// hasher is unseeded: every process must compute the same.
type hasher struct{}

func (hasher) Sum64(b []byte) uint64 { return xxhash.Sum64(b) }

// candidate is a member, by index, in the rendezvous for one partition.
type candidate struct {
	member int
	score  uint64
}

// rank returns the members but the owner by falling score, in buf. A member that comes or goes leaves the others in their
// order. So, where the owner stays or that very member takes over or leaves, it alone enters or leaves a list's first R.
func rank(buf []candidate, p int, owner string, members []string) []candidate {
	buf = buf[:0]
	for i, name := range members {
		if name != owner {
			buf = append(buf, candidate{i, score(p, name)})
		}
	}
	slices.SortFunc(buf, func(a, b candidate) int {
		if a.score == b.score {
			return cmp.Compare(a.member, b.member) // members are sorted: this is the order of names
		}
		return cmp.Compare(b.score, a.score)
	})
	return buf
}

// score is the weight of a member in the rendezvous for partition p (highest random weight, Thaler and Ravishankar 1998).
func score(p int, name string) uint64 {
	key := binary.BigEndian.AppendUint64(make([]byte, 0, 8+MaxName), uint64(p))
	return xxhash.Sum64(append(key, name...))
}
