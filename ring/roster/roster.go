package roster

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"

	"flowring/internal/compat"
)

// MaxStores is the largest number of stores on a roster, tombstones included.
const MaxStores = 1024

// Roster lists the stores of a cluster: all stores that may hold data, alive or absent, and the tombstones of the
// forgotten ones. The zero value is the empty roster of an unknown cluster.
type Roster struct {
	cluster string
	version compat.Version // on in the cluster; 0: version 1
	floors  Floors         // of retention; of version 3
	marks   Marks          // of erased hours; of version 3
	quorum  Quorum         // of version 3
	unknown string         // fields of later programs, as Store.unknown
	stores  []Store        // sorted by ID, IDs distinct; shared between rosters, never modified
	hash    *hash          // nil: the hash is computed anew each time
}

// hash is the hash of a roster. It is computed at the first use and kept, because every call between nodes carries it.
type hash struct {
	once sync.Once
	hex  string
}

// withStores returns the roster with other stores.
func (r Roster) withStores(stores []Store) Roster {
	r.stores, r.hash = stores, new(hash)
	return r
}

// Cluster returns the ID of the cluster, or "" while it is not known.
func (r Roster) Cluster() string { return r.cluster }

// WithCluster returns the roster with the ID of the cluster. It fails if the roster already has another ID.
func (r Roster) WithCluster(id string) (Roster, error) { return r.Merge(Roster{cluster: id}) }

// With returns the roster merged with store s. It clears no flag of a store on the roster. Encoding and merging detect
// an invalid store and a number of stores over MaxStores.
func (r Roster) With(s Store) Roster {
	return r.withStores(union(r.stores, []Store{s}))
}

// Merge returns the union of both rosters. It fails if they are of different clusters or have more than MaxStores
// stores together. An unknown cluster counts as the same cluster.
func (r Roster) Merge(o Roster) (Roster, error) {
	if r.Equal(o) {
		return r, nil
	}
	if r.cluster != "" && o.cluster != "" && r.cluster != o.cluster {
		return Roster{}, fmt.Errorf("merge rosters: cluster %q is not cluster %q", r.cluster, o.cluster)
	}
	floors := r.floors.merge(o.floors)
	merged := Roster{
		cluster: cmp.Or(r.cluster, o.cluster), version: max(r.version, o.version), floors: floors,
		marks: r.marks.merge(o.marks, floors), quorum: r.quorum.merge(o.quorum), unknown: mergeUnknown(r.unknown, o.unknown),
	}.withStores(union(r.stores, o.stores))
	if err := merged.checkSize(); err != nil {
		return Roster{}, fmt.Errorf("merge rosters: %w", err)
	}
	return merged, nil
}

func (r Roster) checkSize() error {
	if len(r.stores) > MaxStores {
		return fmt.Errorf("%d stores, tombstones included: the limit is %d", len(r.stores), MaxStores)
	}
	if len(r.marks) > MaxSpans {
		return fmt.Errorf("marks of %d spans of hours: the limit is %d", len(r.marks), MaxSpans)
	}
	unknown := len(r.unknown)
	for _, s := range r.stores {
		unknown += len(s.unknown)
	}
	if unknown > maxUnknown {
		return fmt.Errorf("%d bytes of unknown fields: the limit is %d", unknown, maxUnknown)
	}
	return nil
}

// union merges two lists sorted by ID into a new one.
func union(a, b []Store) []Store {
	out := make([]Store, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch cmp.Compare(a[0].ID, b[0].ID) {
		case -1:
			out, a = append(out, a[0]), a[1:]
		case 1:
			out, b = append(out, b[0]), b[1:]
		default:
			out, a, b = append(out, a[0].merge(b[0])), a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// Equal reports whether both rosters have the same content.
func (r Roster) Equal(o Roster) bool {
	return r.cluster == o.cluster && r.version == o.version && r.floors == o.floors && r.quorum == o.quorum &&
		slices.Equal(r.marks, o.marks) && r.unknown == o.unknown && slices.Equal(r.stores, o.stores)
}

// Hash returns 32 hexadecimal digits that are equal exactly if the rosters are.
func (r Roster) Hash() string {
	if r.hash == nil {
		return r.computeHash()
	}
	r.hash.once.Do(func() { r.hash.hex = r.computeHash() })
	return r.hash.hex
}

func (r Roster) computeHash() string {
	text := appendText(nil, r.cluster)
	for _, s := range r.stores {
		text = appendText(appendText(text, string(s.ID)), s.Name)
		text = append(text, bit(s.Established), bit(s.Leaving), bit(s.Forgotten))
	}
	text = r.quorum.append(r.marks.append(r.floors.append(r.appendLater(text))))
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// appendLater appends the facts that rosters of the first programs do not have. Without such facts it appends nothing,
// so that those programs compute the same hash. They are in a list of their own behind the stores, with one element for
// the roster and one for each store.
func (r Roster) appendLater(text []byte) []byte {
	later := binary.AppendUvarint(nil, uint64(r.version))
	later = appendText(later, r.unknown)
	some := r.version > 0 || r.unknown != ""
	for _, s := range r.stores {
		later = binary.AppendUvarint(binary.AppendUvarint(later, uint64(s.Speaks)), s.Said)
		later = appendText(later, s.unknown)
		some = some || s.Speaks > 0 || s.Said > 0 || s.unknown != ""
	}
	if !some {
		return text
	}
	return append(append(text, "later"...), later...)
}

// appendText appends s preceded by its length, so that different lists of strings give different texts.
func appendText(text []byte, s string) []byte {
	return append(binary.AppendUvarint(text, uint64(len(s))), s...)
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// Version returns the version that is on in the cluster.
func (r Roster) Version() compat.Version { return r.version.Known() }

// WithVersion returns the roster with a version on, or with its own if that is higher.
func (r Roster) WithVersion(v compat.Version) Roster {
	if v > r.Version() {
		r.version, r.hash = v, new(hash)
	}
	return r
}

// WithoutUnknown returns the roster without the fields of later programs, for negative controls.
func (r Roster) WithoutUnknown() Roster {
	stores := r.All()
	for i := range stores {
		stores[i].unknown = ""
	}
	r.unknown = ""
	return r.withStores(stores)
}

// Spoken returns the newest version that every store speaks, the forgotten ones aside; 1 for a roster without stores.
func (r Roster) Spoken() compat.Version {
	stores := r.Stores()
	if len(stores) == 0 {
		return 1
	}
	return slices.MinFunc(stores,
		func(a, b Store) int { return cmp.Compare(a.Speaks.Known(), b.Speaks.Known()) }).Speaks.Known()
}

// Below returns the stores, the forgotten ones aside, that do not speak a version.
func (r Roster) Below(v compat.Version) []Store {
	return r.where(func(s Store) bool { return !s.Forgotten && s.Speaks.Known() < v })
}

// Get returns a store by its ID, also a forgotten one.
func (r Roster) Get(id StoreID) (Store, bool) {
	i, found := slices.BinarySearchFunc(r.stores, id, func(s Store, id StoreID) int { return cmp.Compare(s.ID, id) })
	if !found {
		return Store{}, false
	}
	return r.stores[i], true
}

// All returns every store, the forgotten ones included. This list and those of the other methods are sorted by ID and
// belong to the caller.
func (r Roster) All() []Store { return slices.Clone(r.stores) }

// Len returns the number of stores, the forgotten ones included.
func (r Roster) Len() int { return len(r.stores) }

// At returns store i, counted from 0 in the order of All.
func (r Roster) At(i int) Store { return r.stores[i] }

// Stores returns all stores except the forgotten ones.
func (r Roster) Stores() []Store { return r.where(func(s Store) bool { return !s.Forgotten }) }

// Established returns the counting stores.
func (r Roster) Established() []Store { return r.where(Store.Counts) }

// CountEstablished returns the number of counting stores.
func (r Roster) CountEstablished() int {
	n := 0
	for _, s := range r.stores {
		if s.Counts() {
			n++
		}
	}
	return n
}

// Forgotten returns the IDs of the forgotten stores.
func (r Roster) Forgotten() []StoreID {
	var ids []StoreID
	for _, s := range r.where(func(s Store) bool { return s.Forgotten }) {
		ids = append(ids, s.ID)
	}
	return ids
}

func (r Roster) where(keep func(Store) bool) []Store {
	var kept []Store
	for _, s := range r.stores {
		if keep(s) {
			kept = append(kept, s)
		}
	}
	return kept
}

// ByName returns the counting store of a node. There are several if the node lost its disk and the new store was
// established before the old one was forgotten. Merging keeps no order, so the roster does not know the older one.
// ByName returns the one with the smallest ID, because every node must choose the same store from the roster alone. A
// caller should prefer the live one if it knows it.
func (r Roster) ByName(name string) (Store, bool) {
	i := slices.IndexFunc(r.stores, func(s Store) bool { return s.Name == name && s.Counts() })
	if i < 0 {
		return Store{}, false
	}
	return r.stores[i], true
}

// Members returns the names of the nodes with a counting store, sorted and distinct. They are the members of the ring.
func (r Roster) Members() []string {
	var names []string
	for _, s := range r.Established() {
		names = append(names, s.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
