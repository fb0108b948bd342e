package peer

import (
	"flowring/node/retention"
	"flowring/ring/roster"
)

// Hello is the content of a heartbeat between two nodes, in both directions.
type Hello struct {
	Store  roster.Store  `json:"store"`  // of the sender
	Start  string        `json:"start"`  // nonce of its process start
	Roster roster.Roster `json:"roster"` // of the sender, with its own store
	Status Status        `json:"status"`
	TLS    bool          `json:"tls,omitempty"` // the sender speaks TLS on its peer port

	Clock int64 `json:"clock,omitzero"` // of the sender, in milliseconds since 1970; 0: of an earlier version

	Retention retention.Proposal `json:"retention,omitzero"` // of version 3

	Former []roster.StoreID `json:"former,omitempty"` // former IDs of the store, which still has all their batches

	// Facts for the choice of a founder, while the sender belongs to no cluster.
	Founds bool     `json:"founds,omitempty"` // the sender founds a cluster, now or as soon as it can
	Waits  bool     `json:"waits,omitempty"`  // the sender waits for expected nodes
	Sees   []string `json:"sees,omitempty"`   // names of the nodes in its view, sorted
	Calls  []string `json:"calls,omitempty"`  // names of the nodes in its view at its join addresses
}

// Status is the report of a node about itself for GET /members.
type Status struct {
	Hours     int   `json:"hours"`     // with data in the store
	Slices    int   `json:"slices"`    // with data in the store
	Flows     int   `json:"flows"`     // flows in memory
	Repairing int   `json:"repairing"` // slices whose copies are compared or moved
	Behind    int64 `json:"behind"`    // batches known to be missing in the store

	Unreadable uint64 `json:"unreadable"` // unreadable batches in the store

	Recovering bool `json:"recovering"` // the store started recently, and its answers prove no completeness yet
	Stopping   bool `json:"stopping"`   // the node is about to stop

	Drain *Drain `json:"drain,omitempty"` // nil: no drain is in progress
}

// Drain is the progress of a drain.
type Drain struct {
	Slices  int `json:"slices"`  // with data in the store
	Secured int `json:"secured"` // with copies on enough other stores
}
