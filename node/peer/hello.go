package peer

import "flowring/ring/roster"

// Hello is what two nodes tell each other in a greeting.
type Hello struct {
	Store  roster.Store  `json:"store"`  // who speaks
	Start  string        `json:"start"`  // nonce of its process start
	Roster roster.Roster `json:"roster"` // what it knows, itself included
	Status Status        `json:"status"`

	Former []roster.StoreID `json:"former,omitempty"` // IDs that the store gave up: it holds all that it held under them

	// What decides who founds a cluster, while the sender belongs to none.
	Founds bool     `json:"founds,omitempty"` // it does, at this moment or as soon as it can
	Waits  bool     `json:"waits,omitempty"`  // for nodes that it expects
	Sees   []string `json:"sees,omitempty"`   // names of the nodes in its view, sorted
	Calls  []string `json:"calls,omitempty"`  // names of those of them that its join addresses stand for
}

// Status is what a node reports of itself for GET /members.
type Status struct {
	Hours     int   `json:"hours"`     // hours with data held
	Slices    int   `json:"slices"`    // slices with data held
	Flows     int   `json:"flows"`     // flows in memory
	Repairing int   `json:"repairing"` // slices whose copies are being compared or moved
	Behind    int64 `json:"behind"`    // batches known to be missing here

	Unreadable uint64 `json:"unreadable"` // batches that the store holds and cannot read

	Recovering bool `json:"recovering"` // the store started lately and proves nothing yet
	Stopping   bool `json:"stopping"`   // the node is about to go

	Drain *Drain `json:"drain,omitempty"` // nil: none is under way
}

// Drain is how far a drain is.
type Drain struct {
	Slices  int `json:"slices"`  // slices with data that the store holds
	Secured int `json:"secured"` // those of them that are on enough other stores
}
