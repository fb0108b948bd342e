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
	Partitions   = 1021                          // prime, and some 16 for each of 64 members
	VirtualNodes = 100                           // points of each member on the circle of hashes
	Load         = 1.25                          // what a member may own, as a multiple of the mean
)

// Parameters is one line that names everything, beside the roster, that placement depends on; hourSlices is the number of
// slices of an hour. Nodes whose lines differ would look for the same flows in different places and must refuse each other.
func Parameters(hourSlices int) string {
	return fmt.Sprintf("%s partitions=%d virtual-nodes=%d load=%g slices=%d",
		Algorithm, Partitions, VirtualNodes, Load, hourSlices)
}

// Partition returns the partition of a slice, from 0 to Partitions-1. It does not depend on the members.
func Partition(s flow.Slice) int {
	var key [12]byte
	binary.BigEndian.PutUint64(key[:8], uint64(s.Hour))
	binary.BigEndian.PutUint32(key[8:], s.Index)
	return int(xxhash.Sum64(key[:]) % Partitions)
}

// Ring is the placement over a set of members.
type Ring struct {
	members []string // sorted, distinct
	table   []string // row p is the list of partition p; len(table) = Partitions * len(members)
	owned   map[string]int
	version string
}

// New places the partitions over the nodes of these names. Order and repetition make no difference; names is not kept. Without
// names the ring is empty. It takes some tens of milliseconds for 64 members, and grows with the square of their number.
func New(names []string) *Ring {
	members := slices.Compact(slices.Sorted(slices.Values(names)))
	r := &Ring{members: members, owned: make(map[string]int, len(members))}
	r.place()
	r.version = r.hash()
	return r
}

// place fills the table and counts the owned partitions.
func (r *Ring) place() {
	if len(r.members) == 0 {
		return
	}
	circle := newCircle(r.members)
	r.table = make([]string, 0, Partitions*len(r.members))
	candidates := make([]candidate, 0, len(r.members))
	for p := range Partitions {
		owner := circle.GetPartitionOwner(p).String()
		r.owned[owner]++
		r.table = append(r.table, owner)
		for _, c := range rank(candidates, p, owner, r.members) {
			r.table = append(r.table, r.members[c.member])
		}
	}
}

// hash returns the version: see Version.
func (r *Ring) hash() string {
	text := fmt.Appendf(nil, "%s partitions=%d members=%d\n", Algorithm, Partitions, len(r.members))
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

// Members returns the names of the members, sorted. The slice is shared and must not be modified.
func (r *Ring) Members() []string { return r.members }

// Owners returns every member in the order in which they should hold the slice: the owner, then the further replicas. It is
// empty if there are no members. The slice is shared and must not be modified. It does not allocate.
func (r *Ring) Owners(s flow.Slice) []string { return r.list(Partition(s)) }

// Owner returns the first of Owners, or "" if there are no members.
func (r *Ring) Owner(s flow.Slice) string {
	if len(r.members) == 0 {
		return ""
	}
	return r.Owners(s)[0]
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
