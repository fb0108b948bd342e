package ring

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/cespare/xxhash/v2"

	"flowring/flow"
)

// The parameters of placement. They are part of a cluster's identity, not settings: see Parameters.
const (
	Algorithm    = "consistent-1.1+rendezvous/1" // changes with every change of the placement of a slice
	Partitions   = 1021                          // prime; about 16 for each of 64 members; see New
	VirtualNodes = 100                           // points of each member on the circle of hashes
	Load         = 1.25                          // the partitions that a member may own, as a multiple of the mean
)

// Parameters returns one line with all inputs of the placement except the roster; hourSlices is the number of slices of
// an hour, of which flow.ID.Slice chooses one. Nodes with different lines would look for the same batches at different
// stores and must refuse each other.
func Parameters(hourSlices int) string {
	line := fmt.Sprintf("%s partitions=%d virtual-nodes=%d load=%g slices=%d",
		algorithm(hourSlices), groups(hourSlices)*hourSlices, VirtualNodes, Load, hourSlices)
	if hourSlices > 1 {
		line += " by=key/1"
	}
	return line
}

// algorithm is Algorithm, extended by the algorithm of shares for hours of several slices.
func algorithm(hourSlices int) string {
	if hourSlices == 1 {
		return Algorithm
	}
	return fmt.Sprintf("%s+shares-of-%d/1", Algorithm, hourSlices)
}

// groups returns the least number of groups of hourSlices partitions with at least Partitions partitions in all.
func groups(hourSlices int) int { return ceilDiv(Partitions, hourSlices) }

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// Ring is the placement over a set of members.
type Ring struct {
	hourSlices int
	members    []string       // sorted, distinct
	table      []string       // row p is the list of partition p; len(table) = Partitions() * len(members)
	owned      map[string]int // by member, the number of its partitions
	version    string
}

// New places the partitions on the nodes with the given names, for hours of hourSlices slices; hourSlices is at least
// 1. Partitions come in groups of hourSlices, one partition for each slice of an hour. So their number is Partitions,
// rounded up to whole groups.
//
// Order and repetition of names make no difference. New does not keep names. Without names the ring is empty. New takes
// some tens of milliseconds for 64 members, whatever hourSlices is, and the time grows with the square of the members.
func New(names []string, hourSlices int) *Ring {
	members := slices.Compact(slices.Sorted(slices.Values(names)))
	r := &Ring{hourSlices: hourSlices, members: members, owned: make(map[string]int, len(members))}
	r.fillTable()
	r.version = r.computeVersion()
	return r
}

// fillTable fills the table and counts the owned partitions.
func (r *Ring) fillTable() {
	if len(r.members) == 0 {
		return
	}
	circle := newCircle(r.members, r.Partitions())
	r.table = make([]string, 0, r.Partitions()*len(r.members))
	group := make([][]int, r.hourSlices)
	for first := 0; first < r.Partitions(); first += r.hourSlices {
		for i := range group {
			group[i] = preferences(first+i, circle, r.members)
		}
		share(group, len(r.members))
		for _, list := range group {
			r.owned[r.members[list[0]]]++
			for _, member := range list {
				r.table = append(r.table, r.members[member])
			}
		}
	}
}

// computeVersion returns the version for Version.
func (r *Ring) computeVersion() string {
	text := fmt.Appendf(nil, "%s partitions=%d members=%d\n", algorithm(r.hourSlices), r.Partitions(), len(r.members))
	for _, name := range r.table {
		text = appendText(text, name)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// appendText appends s preceded by its length, so that different lists of strings give different texts.
func appendText(text []byte, s string) []byte {
	return append(binary.AppendUvarint(text, uint64(len(s))), s...)
}

// Partition returns the partition of a slice, from 0 to Partitions()-1. The hour chooses the group and the index
// chooses the partition in the group. It does not depend on the members. An index beyond the slices of this ring, as in
// a batch from another cluster, has a partition too.
func (r *Ring) Partition(s flow.Slice) int {
	n := uint32(r.hourSlices)
	var key [12]byte
	binary.BigEndian.PutUint64(key[:8], uint64(s.Hour))
	binary.BigEndian.PutUint32(key[8:], s.Index/n)
	group := int(xxhash.Sum64(key[:]) % uint64(groups(r.hourSlices)))
	return group*r.hourSlices + int(s.Index%n)
}

// Partitions returns the number of partitions.
func (r *Ring) Partitions() int { return groups(r.hourSlices) * r.hourSlices }

// Members returns the names of the members, sorted. The slice is shared and must not be modified.
func (r *Ring) Members() []string { return r.members }

// Candidates returns all members in the order in which they should hold the slice: the owner first, then the further
// replicas. It is empty if there are no members. The slice is shared and must not be modified. Candidates does not
// allocate.
func (r *Ring) Candidates(s flow.Slice) []string { return r.list(r.Partition(s)) }

// Owner returns the first of Candidates, or "" if there are no members.
func (r *Ring) Owner(s flow.Slice) string {
	if len(r.members) == 0 {
		return ""
	}
	return r.Candidates(s)[0]
}

// Owned returns the number of partitions that the member owns; 0 for other names.
func (r *Ring) Owned(name string) int { return r.owned[name] }

// Version is a hash, 16 hexadecimal digits, over the algorithm, the parameters and the table. Two rings have the same
// candidates in the same order for every slice exactly if their versions are equal (P7).
func (r *Ring) Version() string { return r.version }

// list returns the row of a partition. Its capacity is its length, so an append by a caller cannot overwrite the next
// row.
func (r *Ring) list(p int) []string {
	n := len(r.members)
	return r.table[p*n : (p+1)*n : (p+1)*n]
}
