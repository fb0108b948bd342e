package roster

import (
	"fmt"

	"github.com/go-json-experiment/json"
)

// The encoding of a roster on disk and between nodes:
//
//	{"version":1,"cluster":"9f…","stores":[
//		{"id":"0c…","name":"flow-0","established":true},
//		{"id":"7a…","name":"flow-1","established":true,"forgotten":true}]}
//
// The cluster is omitted while it is unknown, and flags while they are false. Stores ascend strictly by ID. An unknown
// field is an error, because otherwise a node would pass on an incomplete roster.
const (
	version  = 1
	maxBytes = 256 << 10 // more than MaxStores stores with the longest names, without white space
)

type wireRoster struct {
	Version int         `json:"version"`
	Cluster string      `json:"cluster,omitzero"`
	Stores  []wireStore `json:"stores"`
}

type wireStore struct {
	ID          StoreID `json:"id"`
	Name        string  `json:"name"`
	Established bool    `json:"established,omitzero"`
	Leaving     bool    `json:"leaving,omitzero"`
	Forgotten   bool    `json:"forgotten,omitzero"`
}

// MarshalJSON encodes the roster. It fails for a roster with a fault, so Parse can read every encoded roster.
// Equal rosters have equal encodings.
func (r Roster) MarshalJSON() ([]byte, error) {
	if err := r.valid(); err != nil {
		return nil, fmt.Errorf("encode roster: %w", err)
	}
	wire := wireRoster{Version: version, Cluster: r.cluster, Stores: make([]wireStore, len(r.stores))}
	for i, s := range r.stores {
		wire.Stores[i] = wireStore(s)
	}
	return json.Marshal(wire)
}

// Parse decodes a roster from a disk or a peer. It accepts only rosters with the fields and the version of MarshalJSON.
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
	if err := json.Unmarshal(data, &wire, json.RejectUnknownMembers(true)); err != nil {
		return Roster{}, err
	}
	if wire.Version != version {
		return Roster{}, fmt.Errorf("version %d: want %d", wire.Version, version)
	}
	r := newRoster(wire.Cluster, nil)
	for _, s := range wire.Stores {
		r.stores = append(r.stores, Store(s))
	}
	return r, r.valid()
}

// valid fails unless the roster is within its limits and its stores are valid and in order.
func (r Roster) valid() error {
	if err := r.checkSize(); err != nil {
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
