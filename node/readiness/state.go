package readiness

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/ring/roster"
)

const (
	aloneLimit   = 5 * time.Minute  // a node without contact for so long becomes ready, for the hours on its own disk
	recoverLimit = 30 * time.Second // how long readiness waits for the store to recover
	settledAfter = 30 * time.Second // after so long a readiness the node is not the newcomer with wrong settings
)

// State is the progress of a node towards readiness since its start. The letters are those of the package comment.
type State struct {
	contact     time.Time               // when another node last answered, refused this one or hung up; at first the start
	answered    map[roster.StoreID]bool // stores with an answer since the start; never changed in place
	quorumSince time.Time               // when (a) was met; zero: it is not met
	readySince  time.Time               // since when the node is ready; zero: it is not ready
	recovered   bool                    // (b) is met
	told        bool                    // (d) is met
	settled     bool                    // refusals no longer come first (c)
}

// Observation is the information about the node and the cluster at one moment.
type Observation struct {
	Now        time.Time
	Quorum     int // W
	Self       roster.Store
	Roster     roster.Roster
	Round      bool             // a round of heartbeats of this store as it is has ended
	Answered   []roster.StoreID // stores with an answer to the current heartbeat
	Contact    time.Time        // when another node last answered, refused this one or hung up; zero: unknown
	Joining    string           // event awaited by a store before its establishment
	Apart      error            // why this node talks to no other; nil: it does not stay apart
	Refusal    error            // why another node and this one cannot be in one cluster; nil: no node refuses this one
	Tried      bool             // each address of another node was tried since the start
	Recovering bool             // the store has not recovered yet
	Disabled   safeguard.Set
}

// Step returns the state after an observation. The reason is why the node is not ready; nil: it is ready.
func (r State) Step(o Observation) (next State, reason error) {
	if o.Contact.After(r.contact) {
		r.contact = o.Contact
	}
	r.answered = r.addAnswered(o.Answered)
	r.told = o.Self.Established && (r.told || o.Round)
	r.settled = r.settled || r.majorityAnswered(o)
	reason = r.obstacle(o)
	if reason == nil && r.quorumSince.IsZero() {
		r.quorumSince = o.Now
	}
	if reason == nil && !r.recovered {
		if o.Recovering && o.Now.Sub(r.quorumSince) < recoverLimit && !o.Disabled.Has(safeguard.ReadyRecovered) {
			reason = errRecovering
		} else {
			r.recovered = true
		}
	}
	switch {
	case reason != nil:
		r.readySince = time.Time{}
	case r.readySince.IsZero():
		r.readySince = o.Now
	case o.Now.Sub(r.readySince) >= settledAfter && r.quorumAnswered(o): // a node without contact may be the wrong one
		r.settled = true
	}
	return r, reason
}

var errRecovering = errors.New("recovering: other stores have not yet secured enough copies of the batches that this" +
	" store acknowledged")

// addAnswered returns the stores with an answer since the start, these included.
func (r State) addAnswered(ids []roster.StoreID) map[roster.StoreID]bool {
	answered := r.answered
	for _, id := range ids {
		if !answered[id] {
			next := map[roster.StoreID]bool{id: true}
			for old := range answered {
				next[old] = true
			}
			answered = next
		}
	}
	return answered
}

// obstacle returns the first reason against readiness before (b); nil: none.
func (r State) obstacle(o Observation) error {
	switch {
	case o.Apart != nil:
		return o.Apart
	case !o.Self.Established && o.Refusal != nil:
		return fmt.Errorf("not established: %w", o.Refusal)
	case !o.Self.Established && o.Roster.Cluster() != "" && !r.quorumAnswered(o):
		return fmt.Errorf("not established: %w", r.unansweredError(o))
	case !o.Self.Established:
		return fmt.Errorf("not established: %s", o.Joining)
	case o.Refusal != nil && !r.settled && !o.Disabled.Has(safeguard.ReadyUnrefused):
		return fmt.Errorf("refused: %w", o.Refusal)
	case !r.told:
		return errors.New("joining: other nodes are being told that this store is established")
	case !r.quorumSince.IsZero() || o.Disabled.Has(safeguard.ReadyHeard):
		return nil
	case !o.Tried:
		return errors.New("joining: the addresses of other nodes are being tried")
	case r.quorumAnswered(o), o.Now.Sub(r.contact) >= aloneLimit:
		return nil
	}
	return r.unansweredError(o)
}

// quorumAnswered reports whether W established stores answered since the start, this one included.
func (r State) quorumAnswered(o Observation) bool { return r.countAnswered(o) >= o.Quorum }

// majorityAnswered reports whether more than half of the established stores answered since the start, this one
// included. The settings of this node are then those of the cluster, because a node of other settings gets no answer.
func (r State) majorityAnswered(o Observation) bool {
	return o.Self.Established && 2*r.countAnswered(o) > len(o.Roster.Established())
}

// countAnswered returns how many established stores answered since the start, this one included.
func (r State) countAnswered(o Observation) int {
	n := 0
	for _, s := range o.Roster.Established() {
		if s.ID == o.Self.ID || r.answered[s.ID] {
			n++
		}
	}
	return n
}

// unansweredError names the established stores without an answer since the start.
func (r State) unansweredError(o Observation) error {
	answered := 0
	var names []string
	for _, s := range o.Roster.Established() {
		if s.ID == o.Self.ID || r.answered[s.ID] {
			answered++
		} else {
			names = append(names, o.Roster.Label(s))
		}
	}
	if all := answered + len(names); all < o.Quorum {
		return fmt.Errorf("%d established stores, fewer than the write quorum of %d%s",
			all, o.Quorum, o.Roster.LeavingNote())
	}
	slices.Sort(names)
	return fmt.Errorf("%d of the %d stores that the write quorum asks for were heard since the start: not yet %s%s",
		answered, o.Quorum, strings.Join(slices.Compact(names), ", "),
		o.Roster.LeavingNote()+contract.LostDiskAdvice(names))
}

// Tracker holds the State of a node. It is safe for concurrent use.
type Tracker struct {
	mu    sync.Mutex
	state State
}

// Start sets the State of a node at its start.
func (t *Tracker) Start(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state = State{contact: now}
}

// Observe takes the next step and returns why the node is not ready; nil: it is ready. It calls observe with the lock
// held, so the observations follow each other in time.
func (t *Tracker) Observe(observe func() Observation) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	next, reason := t.state.Step(observe())
	t.state = next
	return reason
}
