package router

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"flowring/flow"
)

// Cluster is what the router asks of the node that it runs on.
type Cluster interface {
	// Post stores every batch of the posting and returns once each is stored as the write quorum asks (P1). The outcomes:
	//
	//	nil                 stored; replayed if the posting's key and content had been stored before
	//	ErrKeyReused        the key was seen with other content; nothing was stored
	//	ErrOverflow         a total would pass 2^63-1; nothing was stored
	//	*LimitError         the hour, or its owner, holds as much as it may; nothing was stored
	//	*UnavailableError   unknown: stored wholly, in part or not at all; the same call again makes it whole
	Post(ctx context.Context, p *flow.Posting) (replayed bool, err error)

	// Get opens the flows of an hour, at the hour's owner wherever that is. The caller closes the answer. It fails with an
	// *UnavailableError when the completeness that is asked for cannot be had. An answer that the reader knows, by ask, need have
	// no flows to write.
	Get(ctx context.Context, hour flow.Hour, ask Ask) (Answer, error)

	// Members describes the cluster as this node sees it. It does not block.
	Members() MembersView

	// Ready returns nil when this node may be sent requests, and otherwise why not.
	Ready() error

	// ReadyToWrite returns nil when a POST could be stored through this node now, and otherwise why not: a node that is ready may be
	// unable to.
	ReadyToWrite() error
}

// Answer is an hour's flows, ready to be written.
type Answer interface {
	Complete() Completeness
	Tag() string // names the flows: the same tag, the same bytes, on whatever node. Printable ASCII without spaces; "": not known
	io.WriterTo  // writes the JSON array; an error after the first byte means a truncated answer
	io.Closer
}

// Completeness is how much of an hour an answer is known to hold (P5).
type Completeness string

// The levels of completeness, strongest first.
const (
	Complete Completeness = "true"     // everything acknowledged is in it (P4)
	Unproven Completeness = "unproven" // all that should hold the hour answered; one that might hold a stray part did not
	Partial  Completeness = "false"    // one that should hold the hour did not answer
)

// Need is the least completeness that a reader accepts.
type Need int

// The needs, as the query asks for them.
const (
	NeedUnproven Need = iota // the default: unproven or better
	NeedComplete             // ?require=complete
	NeedPartial              // ?partial=true: whatever there is
)

// Ask is what a reader asks of an hour.
type Ask struct {
	Need  Need
	Known []string // tags of the answers that the reader has; AnyTag for all that there are
}

// AnyTag among the known ones asks for what is said about an hour, without its flows.
const AnyTag = "*"

// Knows reports whether the reader has the answer of a tag.
func (a Ask) Knows(tag string) bool {
	return tag != "" && (slices.Contains(a.Known, tag) || slices.Contains(a.Known, AnyTag))
}

// Errors that Cluster returns, each with one HTTP answer (see problem.go).
var (
	ErrKeyReused = errors.New("the Idempotency-Key was used before with other content")
	ErrOverflow  = errors.New("a flow's total would pass 2^63-1 bytes")

	ErrTooManyFlows = errors.New("it has as many different flows as an hour may have")
	ErrTooManyNames = errors.New("it has as many different names as an hour may have")
	ErrTooManyHours = errors.New("it is one hour more than a node may hold")
	ErrHoursKept    = errors.New("a node keeps the last tenth of its hours for those within 48 hours of its clock")
)

// LimitError says which hour of a request a limit refuses, the first one if there are more.
type LimitError struct {
	Hour flow.Hour
	Err  error // ErrTooMany... or ErrHoursKept
}

// Error returns the hour and the limit.
func (e *LimitError) Error() string { return fmt.Sprintf("hour %d: %v", e.Hour, e.Err) }

// Unwrap returns the limit.
func (e *LimitError) Unwrap() error { return e.Err }

// UnavailableError says that too few stores could be used. The outcome of a write is unknown.
type UnavailableError struct {
	Reason     string        // lower case, for the client: "fewer than 2 of the hour's stores acknowledged"
	Stores     []string      // the stores that did not answer, where known: names of their nodes, with an ID where a name has several
	Advice     string        // what to do about them, after the list; "": nothing
	RetryAfter time.Duration // 0: the default
	Err        error         // the cause, for the log
}

// Error returns the reason and the names of the stores.
func (e *UnavailableError) Error() string {
	if len(e.Stores) == 0 {
		return e.Reason
	}
	return fmt.Sprintf("%s (no answer from %s)%s", e.Reason, strings.Join(e.Stores, ", "), e.Advice)
}

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }

// MembersView is the answer to GET /members.
type MembersView struct {
	Cluster string   `json:"cluster"`
	Node    string   `json:"node"` // who answers
	Members []Member `json:"members"`
	Ring    RingView `json:"ring"`
}

// Member is one node of the cluster, and the store that it holds.
type Member struct {
	Name        string    `json:"name"`
	State       string    `json:"state"` // "alive" or "absent"
	Store       string    `json:"store"` // store ID
	Established bool      `json:"established"`
	Leaving     bool      `json:"leaving"`         // it is being drained or forgotten
	Drain       *Drain    `json:"drain,omitempty"` // how far it is drained, as last reported; nil: it is not being drained
	Addresses   Addresses `json:"addresses"`
	Partitions  int       `json:"partitions"` // ring partitions owned
	Hours       int       `json:"hours"`      // hours with data held, as last reported
	Flows       int       `json:"flows"`      // flows in memory, as last reported
	Repairing   int       `json:"repairing"`  // hours whose copies it is comparing or fetching, as last reported
	Behind      int64     `json:"behind"`     // batches that it knows it lacks, as last reported
	Unreadable  uint64    `json:"unreadable"` // batches that it holds and cannot read, as last reported
	Recovering  bool      `json:"recovering"` // it started lately: complete reads count it as silent until others have checked on it
}

// Drain is how far a drain is.
type Drain struct {
	Slices  int `json:"slices"`  // slices with data that the store holds
	Secured int `json:"secured"` // those of them that are on enough other stores
}

// Addresses are where a node listens, each as host:port.
type Addresses struct {
	HTTP   string `json:"http"`
	Peer   string `json:"peer"`
	Gossip string `json:"gossip"`
}

// RingView describes placement.
type RingView struct {
	Partitions        int    `json:"partitions"`
	VirtualNodes      int    `json:"virtual_nodes"`
	HourSlices        int    `json:"hour_slices"`
	ReplicationFactor int    `json:"replication_factor"`
	WriteQuorum       int    `json:"write_quorum"`
	Version           string `json:"version"` // a hash of the placement: equal on all nodes that agree (P7)
}
