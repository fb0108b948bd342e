package roster

import (
	"cmp"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"flowring/flow"
	"flowring/internal/compat"
)

// The encoding of a roster on disk and between nodes:
//
//	{"version":2,"cluster":"9f…","stores":[
//		{"id":"0c…","name":"flow-0","established":true,"speaks":3,"said":4},
//		{"id":"7a…","name":"flow-1","established":true,"forgotten":true}],"closed":489700,"expired":489600,
//		"marks":[{"from":489650,"to":489660,"erased":1763000000}],"quorum":{"changes":3,"stores":2}, …}
//
// The version is the cluster version that is on. The cluster is omitted while it is unknown, flags while they are
// false, floors and quorum while they are 0, and marks while there are none. A store that has said no version speaks
// version 1. Stores ascend strictly by ID.
//
// The encoding carries the version, so it never changes: later versions only add fields. Parse therefore reads the
// roster of any version, and package membership refuses a version that the node does not speak. Unknown fields of the
// roster and of its stores are kept and encoded behind the known ones (unknown.go).
const maxBytes = 288 << 10 // more than MaxStores stores with the longest names and maxUnknown, without white space

type wireRoster struct {
	Version compat.Version `json:"version"`
	Cluster string         `json:"cluster,omitzero"`
	Stores  []wireStore    `json:"stores"`
	Closed  flow.Hour      `json:"closed,omitzero"`
	Expired flow.Hour      `json:"expired,omitzero"`
	Marks   Marks          `json:"marks,omitempty"`
	Quorum  Quorum         `json:"quorum,omitzero"`
	Unknown jsontext.Value `json:",embed"`
}

type wireStore struct {
	ID          StoreID        `json:"id"`
	Name        string         `json:"name"`
	Established bool           `json:"established,omitzero"`
	Leaving     bool           `json:"leaving,omitzero"`
	Forgotten   bool           `json:"forgotten,omitzero"`
	Speaks      compat.Version `json:"speaks,omitzero"`
	Said        uint64         `json:"said,omitzero"`
	Unknown     jsontext.Value `json:",embed"`
}

func (s Store) wire() wireStore {
	return wireStore{
		s.ID, s.Name, s.Established, s.Leaving, s.Forgotten, s.Speaks, s.Said, jsontext.Value(s.unknown),
	}
}

func (w wireStore) store() (Store, error) {
	if w.Speaks < 0 {
		return Store{}, fmt.Errorf("store %s speaks version %d", w.ID, w.Speaks)
	}
	unknown, err := canonical(w.Unknown)
	return Store{w.ID, w.Name, w.Established, w.Leaving, w.Forgotten, w.Speaks, w.Said, unknown}, err
}

// MarshalJSON encodes the roster. It fails for a roster with a fault, so Parse can read every encoded roster.
// Equal rosters have equal encodings.
func (r Roster) MarshalJSON() ([]byte, error) {
	if err := r.valid(); err != nil {
		return nil, fmt.Errorf("encode roster: %w", err)
	}
	wire := wireRoster{
		r.Version(), r.cluster, make([]wireStore, len(r.stores)), r.floors.Closed, r.floors.Expired,
		r.marks, r.quorum, jsontext.Value(r.unknown),
	}
	for i, s := range r.stores {
		wire.Stores[i] = s.wire()
	}
	return json.Marshal(wire)
}

// Parse decodes a roster from a disk or a peer, of any version.
func Parse(data []byte) (Roster, error) {
	r, err := parse(data)
	if err != nil {
		return Roster{}, fmt.Errorf("parse roster: %w", err)
	}
	return r, nil
}

// UnmarshalJSON is Parse for a roster inside a larger document. It does not change r if it fails.
func (r *Roster) UnmarshalJSON(data []byte) error {
	parsed, err := Parse(data)
	if err == nil {
		*r = parsed
	}
	return err
}

func parse(data []byte) (Roster, error) {
	if len(data) > maxBytes {
		return Roster{}, fmt.Errorf("%d bytes: the limit is %d", len(data), maxBytes)
	}
	var wire wireRoster
	if err := json.Unmarshal(data, &wire); err != nil {
		return Roster{}, err
	}
	if wire.Version < 1 {
		return Roster{}, fmt.Errorf("version %d: want at least 1", wire.Version)
	}
	unknown, err := canonical(wire.Unknown)
	if err != nil {
		return Roster{}, err
	}
	floors := Floors{Closed: wire.Closed, Expired: wire.Expired}
	r := Roster{
		cluster: wire.Cluster, floors: floors, marks: wire.Marks, quorum: wire.Quorum, unknown: unknown,
	}.WithVersion(wire.Version).withStores(nil)
	for _, w := range wire.Stores {
		s, err := w.store()
		if err != nil {
			return Roster{}, err
		}
		r.stores = append(r.stores, s)
	}
	return r, r.valid()
}

// valid fails unless the roster is within its limits and its stores are valid and in order.
func (r Roster) valid() error {
	if err := cmp.Or(r.checkSize(), r.floors.valid(), r.marks.valid(r.floors), r.quorum.valid()); err != nil {
		return err
	}
	if r.cluster != "" {
		if err := ValidName(r.cluster); err != nil {
			return fmt.Errorf("cluster: %w", err)
		}
	}
	for i, s := range r.stores {
		if err := s.Valid(); err != nil {
			return err
		}
		if i > 0 && r.stores[i-1].ID >= s.ID {
			return fmt.Errorf("store %s: the stores are not in ascending order of their IDs", s.ID)
		}
	}
	return nil
}
