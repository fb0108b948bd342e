package contract

import "flowring/flow"

// Retention describes the hours that the cluster keeps, in the view of one node.
type Retention struct {
	Keep      int64      `json:"keep_seconds"`          // the retention of this node; 0: none
	Closed    flow.Hour  `json:"closed"`                // hours below take no new request; 0: all hours are open
	Expired   flow.Hour  `json:"expired"`               // hours below are deleted; 0: none is
	Next      Raise      `json:"next_closed,omitzero"`  // the raise of Closed that is announced, over hours with data
	Removal   Raise      `json:"next_expired,omitzero"` // the next raise of Expired, if a value of Closed waits for it
	Proposals []Proposed `json:"proposals"`             // of the stores that answered last, this one included

	Erased []ErasedRange `json:"erased,omitempty"` // above Expired, ascending
}

// ErasedRange is a range of hours that is erased, or is being erased: From <= h < To.
type ErasedRange struct {
	From flow.Hour `json:"from"`
	To   flow.Hour `json:"to"`
	At   int64     `json:"at,omitzero"` // when it was erased, in seconds since 1970; 0: its hours are closed alone
}

// Raise is a raise of a floor that is to come.
type Raise struct {
	Hour flow.Hour `json:"hour"`
	In   int64     `json:"in_seconds"` // least time until then
}

// Proposed is the proposal of a store to close hours.
type Proposed struct {
	Name   string    `json:"name"`           // of the node, and of the store if the node has several
	Below  flow.Hour `json:"below"`          // hours below are older than the retention; 0: the store proposes nothing
	Uptime int64     `json:"uptime_seconds"` // of its process; a proposal counts from the second hour on
}
