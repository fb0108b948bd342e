package roster

import (
	"fmt"

	"github.com/go-json-experiment/json"
)

// What a roster looks like on disk and between nodes:
//
//	{"version":1,"cluster":"9f…","stores":[{"id":"0c…","name":"flow-0","established":true},{"id":"7a…",…,"forgotten":true}]}
//
// The cluster is left out while unknown, flags while false. Stores ascend strictly by ID. A field that this version does not
// know is an error, not ignored: a node that dropped it would pass on less than it was told.
const (
	version  = 1
	maxBytes = 256 << 10 // above what MaxStores stores with the longest names take, without white space
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

// MarshalJSON encodes the roster. It fails on what Parse would refuse, so that nothing is written that cannot be read.
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

// Parse decodes a roster from a disk or a peer. It accepts only what MarshalJSON of this version can have meant.
func Parse(data []byte) (Roster, error) {
	r, err := parse(data)
	if err != nil {
		return Roster{}, fmt.Errorf("parse roster: %w", err)
	}
	return r, nil
}

// UnmarshalJSON is Parse for a roster inside a larger document. It leaves r alone if it fails.
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

// valid returns nil if the roster keeps every bound and the order of its stores.
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
			return fmt.Errorf("store %s: not above the one before it", s.ID)
		}
	}
	return nil
}
