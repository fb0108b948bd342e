package roster

import (
	"cmp"
	"encoding/binary"
	"fmt"
)

// Quorum is the proven quorum of a cluster: each acknowledged batch is on Stores stores at least. It rises and falls
// with W, so it is a register: the value with more changes wins. The zero value says nothing: as far as the roster
// knows, W has been the same at all times. Decision 0021 has the rules.
type Quorum struct {
	Changes uint64 `json:"changes"`
	Stores  int    `json:"stores"`
}

// merge returns the value with more changes. Of two values with the same number of changes the one with fewer stores
// wins, because it claims less.
func (q Quorum) merge(o Quorum) Quorum {
	if cmp.Or(cmp.Compare(q.Changes, o.Changes), cmp.Compare(o.Stores, q.Stores)) < 0 {
		return o
	}
	return q
}

func (q Quorum) valid() error {
	if q != (Quorum{}) && (q.Changes < 1 || q.Stores < 1 || q.Stores > MaxStores) {
		return fmt.Errorf("proven quorum of %d stores after %d changes: want 1 to %d stores", q.Stores, q.Changes, MaxStores)
	}
	return nil
}

// append appends the quorum, or nothing without one.
func (q Quorum) append(text []byte) []byte {
	if q == (Quorum{}) {
		return text
	}
	return binary.AppendUvarint(binary.AppendUvarint(append(text, "quorum"...), q.Changes), uint64(q.Stores))
}

// Quorum returns the proven quorum.
func (r Roster) Quorum() Quorum { return r.quorum }

// WithQuorum returns the roster with another proven quorum, which replaces its own.
func (r Roster) WithQuorum(stores int) Roster {
	r.quorum, r.hash = Quorum{r.quorum.Changes + 1, stores}, new(hash)
	return r
}

// Proves reports whether the proven quorum is w, or none is known.
func (r Roster) Proves(w int) bool { return r.quorum == (Quorum{}) || r.quorum.Stores == w }
