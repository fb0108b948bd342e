package roster

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
)

// MaxName is the most bytes in a node's name.
const MaxName = 64

// MaxClusterName is the most bytes in the name of a cluster: NAMESPACE.INSTANCE of Kubernetes, each of at most 63 bytes.
const MaxClusterName = 127

// ValidName returns nil if name can name a node: 1 to MaxName ASCII letters, digits, dots, hyphens and underscores, of which
// the first and the last are letters or digits. Names are compared byte for byte.
func ValidName(name string) error { return validName(name, MaxName) }

// ValidClusterName returns nil if name can name a cluster: the name of a node, but of at most MaxClusterName bytes.
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

// StoreID identifies a store, which is what lives and dies with a disk (P9): 32 lower-case hexadecimal digits.
type StoreID string

// NewStoreID draws an ID at random.
func NewStoreID() StoreID {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return StoreID(hex.EncodeToString(b[:]))
}

// ParseStoreID returns the ID that s spells. Every ID has one spelling.
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

// NewClusterID draws an ID for a cluster at random. It is made once, by the store that establishes itself first.
func NewClusterID() string { return string(NewStoreID()) }

// Store is what the roster says of one store. Nothing in it is ever taken back.
type Store struct {
	ID          StoreID
	Name        string // of the node that holds it; one store never changes its node, one node may have had several stores
	Established bool   // counts towards write quorums and answers reads
	Leaving     bool   // is to be forgotten: counts no more and has no place on the ring, but may hold what no other store does
	Forgotten   bool   // a tombstone: it may hold nothing that counts, and never will again
}

// Valid returns nil if the store can be written down and read back.
func (s Store) Valid() error {
	if _, err := ParseStoreID(string(s.ID)); err != nil {
		return err
	}
	if err := ValidName(s.Name); err != nil {
		return fmt.Errorf("store %s: %w", s.ID, err)
	}
	return nil
}

// Counts reports whether the store counts, and the ring has a place for its node: it is established, neither leaving nor forgotten.
func (s Store) Counts() bool { return s.Established && !s.Leaving && !s.Forgotten }

// merge returns what s and o, of one ID, say together.
func (s Store) merge(o Store) Store {
	return Store{
		ID:          s.ID,
		Name:        mergeName(s.Name, o.Name),
		Established: s.Established || o.Established,
		Leaving:     s.Leaving || o.Leaving,
		Forgotten:   s.Forgotten || o.Forgotten,
	}
}

// mergeName returns the smaller name. The names of one store never differ; should they, every node must pick the same. An empty
// name says nothing, so that Store{ID: id, Forgotten: true} is enough for a tombstone.
func mergeName(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return min(a, b)
}
