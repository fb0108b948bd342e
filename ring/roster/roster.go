package roster

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
)

// MaxStores is the largest number of stores on a roster, tombstones included.
const MaxStores = 1024

// Roster lists the stores of a cluster: all stores that may hold data, alive or absent, and the tombstones of the
// forgotten ones. The zero value is the empty roster of an unknown cluster.
type Roster struct {
	cluster string
	stores  []Store // sorted by ID, IDs distinct; shared between rosters, never modified
	hash    *hash   // nil: the hash is computed anew each time
}

// hash is the hash of a roster. It is computed at the first use and kept, because every call between nodes carries it.
type hash struct {
	once sync.Once
	hex  string
}

func newRoster(cluster string, stores []Store) Roster { return Roster{cluster, stores, new(hash)} }

// Cluster returns the ID of the cluster, or "" while it is not known.
func (r Roster) Cluster() string { return r.cluster }

// WithCluster returns the roster with the ID of the cluster. It fails if the roster already has another ID.
func (r Roster) WithCluster(id string) (Roster, error) { return r.Merge(Roster{cluster: id}) }

// With returns the roster merged with store s. It clears no flag of a store on the roster. Encoding and merging detect
// an invalid store and a number of stores over MaxStores.
func (r Roster) With(s Store) Roster {
	return newRoster(r.cluster, union(r.stores, []Store{s}))
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
	merged := newRoster(cmp.Or(r.cluster, o.cluster), union(r.stores, o.stores))
	if err := merged.checkSize(); err != nil {
		return Roster{}, fmt.Errorf("merge rosters: %w", err)
	}
	return merged, nil
}

func (r Roster) checkSize() error {
	if len(r.stores) > MaxStores {
		return fmt.Errorf("%d stores, tombstones included: the limit is %d", len(r.stores), MaxStores)
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

// Equal reports whether both rosters have the same cluster and the same stores.
func (r Roster) Equal(o Roster) bool {
	return r.cluster == o.cluster && slices.Equal(r.stores, o.stores)
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
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
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
