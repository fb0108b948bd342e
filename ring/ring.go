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
	Algorithm    = "consistent-1.1+rendezvous/1" // changes with anything that places a slice elsewhere
	Partitions   = 1021                          // prime, and some 16 for each of 64 members; some more with slices: see New
	VirtualNodes = 100                           // points of each member on the circle of hashes
	Load         = 1.25                          // what a member may own, as a multiple of the mean
)

// Parameters is one line that names everything, beside the roster, that placement depends on; hourSlices is the number of
// slices of an hour, which of several is chosen by flow.ID.Slice. Nodes whose lines differ would look for the same batches in different
// places and must refuse each other.
func Parameters(hourSlices int) string {
	line := fmt.Sprintf("%s partitions=%d virtual-nodes=%d load=%g slices=%d",
		algorithm(hourSlices), groups(hourSlices)*hourSlices, VirtualNodes, Load, hourSlices)
	if hourSlices > 1 {
		line += " by=key/1"
	}
	return line
}

// algorithm is Algorithm, and what shares the slices of an hour out, which with one slice changes nothing.
func algorithm(hourSlices int) string {
	if hourSlices == 1 {
		return Algorithm
	}
	return fmt.Sprintf("%s+shares-of-%d/1", Algorithm, hourSlices)
}

// groups returns how many groups of hourSlices partitions it takes to have at least Partitions of them.
func groups(hourSlices int) int { return ceilDiv(Partitions, hourSlices) }

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// Ring is the placement over a set of members.
type Ring struct {
	hourSlices int
	members    []string // sorted, distinct
	table      []string // row p is the list of partition p; len(table) = Partitions() * len(members)
	owned      map[string]int
	version    string
}

// New places the partitions over the nodes of these names, for hours of hourSlices slices, which is at least 1. Partitions come
// in groups of as many, one for each slice of an hour, and so there are Partitions of them, rounded up to whole groups.
//
// Order and repetition of names make no difference; names is not kept. Without names the ring is empty. It takes some tens of
// milliseconds for 64 members, whatever the slices, and grows with the square of their number.
func New(names []string, hourSlices int) *Ring {
	members := slices.Compact(slices.Sorted(slices.Values(names)))
	r := &Ring{hourSlices: hourSlices, members: members, owned: make(map[string]int, len(members))}
	r.place()
	r.version = r.hash()
	return r
}

// place fills the table and counts the owned partitions.
func (r *Ring) place() {
	if len(r.members) == 0 {
		return
	}
	circle := newCircle(r.members, r.Partitions())
	r.table = make([]string, 0, r.Partitions()*len(r.members))
	group := make([][]int, r.hourSlices)
	for first := 0; first < r.Partitions(); first += r.hourSlices {
		for i := range group {
			group[i] = prefer(first+i, circle, r.members)
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

// hash returns the version: see Version.
func (r *Ring) hash() string {
	text := fmt.Appendf(nil, "%s partitions=%d members=%d\n", algorithm(r.hourSlices), r.Partitions(), len(r.members))
	for _, name := range r.table {
		text = appendText(text, name)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// appendText appends s behind its length, so that no two lists of strings become one text.
func appendText(text []byte, s string) []byte {
	return append(binary.AppendUvarint(text, uint64(len(s))), s...)
}

// Partition returns the partition of a slice, from 0 to Partitions()-1: the hour chooses the group, the index the one in it. It
// does not depend on the members. An index that no slice of this ring has, as in a batch from elsewhere, has a place too.
func (r *Ring) Partition(s flow.Slice) int {
	n := uint32(r.hourSlices)
	var key [12]byte
	binary.BigEndian.PutUint64(key[:8], uint64(s.Hour))
	binary.BigEndian.PutUint32(key[8:], s.Index/n)
	group := int(xxhash.Sum64(key[:]) % uint64(groups(r.hourSlices)))
	return group*r.hourSlices + int(s.Index%n)
}

// Partitions returns how many partitions there are.
func (r *Ring) Partitions() int { return groups(r.hourSlices) * r.hourSlices }

// Members returns the names of the members, sorted. The slice is shared and must not be modified.
func (r *Ring) Members() []string { return r.members }

// Candidates returns all members in the order in which they should hold the slice: the owner first, then the further
// replicas. It is empty if there are no members. The slice is shared and must not be modified. Candidates does not allocate.
func (r *Ring) Candidates(s flow.Slice) []string { return r.list(r.Partition(s)) }

// Owner returns the first of Candidates, or "" if there are no members.
func (r *Ring) Owner(s flow.Slice) string {
	if len(r.members) == 0 {
		return ""
	}
	return r.Candidates(s)[0]
}

// Owned returns how many partitions the member owns; 0 for a name that is not a member.
func (r *Ring) Owned(name string) int { return r.owned[name] }

// Version is a hash, 16 hexadecimal digits, over algorithm, parameters and the table of owners: two rings place every slice
// alike, on all replicas, exactly if their versions are equal (P7).
func (r *Ring) Version() string { return r.version }

// list returns the row of a partition, its capacity cut so that an append by a caller cannot reach the next row.
func (r *Ring) list(p int) []string {
	n := len(r.members)
	return r.table[p*n : (p+1)*n : (p+1)*n]
}
