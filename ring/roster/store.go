package roster

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"

	"flowring/internal/compat"
)

// MaxName is the largest number of bytes in the name of a node.
const MaxName = 64

// MaxClusterName is the largest number of bytes in the name of a cluster. NAMESPACE.INSTANCE of Kubernetes fits: each
// part has at most 63 bytes.
const MaxClusterName = 127

// ValidName returns an error unless name can be the name of a node: 1 to MaxName ASCII letters, digits, dots, hyphens
// and underscores, with a letter or digit at both ends. Names are compared byte for byte.
func ValidName(name string) error { return validName(name, MaxName) }

// ValidClusterName returns an error unless name can be the name of a cluster. The rules are those for the name of a
// node, with at most MaxClusterName bytes.
func ValidClusterName(name string) error { return validName(name, MaxClusterName) }

func validName(name string, most int) error {
	if len(name) == 0 || len(name) > most {
		return fmt.Errorf("name of %d bytes: want 1 to %d", len(name), most)
	}
	for i := range len(name) {
		inner := i > 0 && i < len(name)-1
		if c := name[i]; !alphanumeric(c) && !(inner && (c == '.' || c == '-' || c == '_')) {
			return fmt.Errorf("name %q: byte %d may not be %q", name, i, c)
		}
	}
	return nil
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// StoreID identifies a store: 32 lower-case hexadecimal digits. A store begins and ends with the content of its disk
// (P9).
type StoreID string

// NewStoreID returns a random ID.
func NewStoreID() StoreID {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return StoreID(hex.EncodeToString(b[:]))
}

// ParseStoreID returns the ID with the text s. Every ID has only one text.
func ParseStoreID(s string) (StoreID, error) {
	if len(s) != 32 {
		return "", fmt.Errorf("store ID of %d bytes: want 32 hexadecimal digits", len(s))
	}
	for i := range len(s) {
		if c := s[i]; !('0' <= c && c <= '9' || 'a' <= c && c <= 'f') {
			return "", fmt.Errorf("store ID %q: byte %d is not a lower-case hexadecimal digit", s, i)
		}
	}
	return StoreID(s), nil
}

// NewClusterID returns a random ID for a cluster. The store that establishes itself first calls it, once for a cluster.
func NewClusterID() string { return string(NewStoreID()) }

// Store is one store on the roster. Its flags are never cleared.
type Store struct {
	ID          StoreID
	Name        string // of its node; a store never changes its node, and a node may have had several stores
	Established bool   // the store counts towards write quorums and answers reads
	Leaving     bool   // the store is about to be forgotten; it no longer counts, but may hold the only copy of a batch
	Forgotten   bool   // a tombstone; the content of the store does not count and never will again

	// The newest version that the node of the store speaks, as the store itself last said. It may fall when an older
	// program takes over the disk, so Said counts up with each change, and the entry with the larger count wins.
	Speaks compat.Version `json:",omitzero"` // 0: version 1
	Said   uint64         `json:",omitzero"`

	unknown string // fields of later programs, as an object in canonical form; "": none
}

// Speaking returns the store after it has said the newest version that its node speaks.
func (s Store) Speaking(v compat.Version) Store {
	if s.Speaks.Known() != v.Known() {
		s.Speaks, s.Said = v.Known(), s.Said+1
	}
	return s
}

// Valid returns an error unless the store can be encoded and decoded.
func (s Store) Valid() error {
	if _, err := ParseStoreID(string(s.ID)); err != nil {
		return err
	}
	if err := ValidName(s.Name); err != nil {
		return fmt.Errorf("store %s: %w", s.ID, err)
	}
	return nil
}

// Counts reports whether the store counts: it is established and neither leaving nor forgotten. Its node is then a
// member of the ring.
func (s Store) Counts() bool { return s.Established && !s.Leaving && !s.Forgotten }

// merge returns the union of s and o, which have the same ID.
func (s Store) merge(o Store) Store {
	speaks, said := mergeSpeaks(s, o)
	return Store{
		ID:          s.ID,
		Name:        mergeName(s.Name, o.Name),
		Established: s.Established || o.Established,
		Leaving:     s.Leaving || o.Leaving,
		Forgotten:   s.Forgotten || o.Forgotten,
		Speaks:      speaks,
		Said:        said,
		unknown:     mergeUnknown(s.unknown, o.unknown),
	}
}

// mergeSpeaks returns the version that was said later. Of two versions with one count, which only a disk that was
// rolled back can say, the older one wins, because no store may count as speaking a version that it does not speak.
func mergeSpeaks(s, o Store) (compat.Version, uint64) {
	switch {
	case s.Said > o.Said:
		return s.Speaks, s.Said
	case s.Said < o.Said:
		return o.Speaks, o.Said
	}
	return min(s.Speaks, o.Speaks), s.Said
}

// mergeName returns the smaller name. The names of one store never differ; if they did, every node would have to choose
// the same one. The other name wins over an empty one, so Store{ID: id, Forgotten: true} is enough for a tombstone.
func mergeName(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return min(a, b)
}
