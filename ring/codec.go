package ring

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
	rosterVersion  = 1
	maxRosterBytes = 256 << 10 // above what MaxStores stores with the longest names take, without white space
)

type rosterWire struct {
	Version int         `json:"version"`
	Cluster string      `json:"cluster,omitzero"`
	Stores  []storeWire `json:"stores"`
}

type storeWire struct {
	ID          StoreID `json:"id"`
	Name        string  `json:"name"`
	Established bool    `json:"established,omitzero"`
	Leaving     bool    `json:"leaving,omitzero"`
	Forgotten   bool    `json:"forgotten,omitzero"`
}

// MarshalJSON encodes the roster. It fails on what ParseRoster would refuse, so that nothing is written that cannot be read.
// Equal rosters have equal encodings.
func (r Roster) MarshalJSON() ([]byte, error) {
	if err := r.valid(); err != nil {
		return nil, fmt.Errorf("encode roster: %w", err)
	}
	wire := rosterWire{Version: rosterVersion, Cluster: r.cluster, Stores: make([]storeWire, len(r.stores))}
	for i, s := range r.stores {
		wire.Stores[i] = storeWire(s)
	}
	return json.Marshal(wire)
}

// ParseRoster decodes a roster from a disk or a peer. It accepts only what MarshalJSON of this version can have meant.
func ParseRoster(data []byte) (Roster, error) {
	r, err := parseRoster(data)
	if err != nil {
		return Roster{}, fmt.Errorf("parse roster: %w", err)
	}
	return r, nil
}

// UnmarshalJSON is ParseRoster for a roster inside a larger document. It leaves r alone if it fails.
func (r *Roster) UnmarshalJSON(data []byte) error {
	parsed, err := ParseRoster(data)
	if err == nil {
		*r = parsed
	}
	return err
}

func parseRoster(data []byte) (Roster, error) {
	if len(data) > maxRosterBytes {
		return Roster{}, fmt.Errorf("%d bytes: the limit is %d", len(data), maxRosterBytes)
	}
	var wire rosterWire
	if err := json.Unmarshal(data, &wire, json.RejectUnknownMembers(true)); err != nil {
		return Roster{}, err
	}
	if wire.Version != rosterVersion {
		return Roster{}, fmt.Errorf("version %d: want %d", wire.Version, rosterVersion)
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
