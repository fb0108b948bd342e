package node

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"flowring/internal/safeguard"
	"flowring/node/replica"
	"flowring/ring/roster"
)

const (
	aloneLimit   = 5 * time.Minute  // without a sign of another node a node becomes ready for what it can read
	recoverLimit = 30 * time.Second // how long readiness waits for the store to recover
	settledAfter = 30 * time.Second // a node that was ready for so long is not the one that does not fit
)

// readiness is how far a node has come since its start. It is a value: step returns the next one.
//
// A node that starts is not ready until (a) W established stores, itself included, were heard once since the start, because a node that
// hears fewer refuses each write, and a balancer would send it a share of them; and (b) its store has recovered, because the next
// node of a rolling update goes once this one is ready. Both are done for good: a node that loses the quorum later is as good as any other
// one for reads. (c) While another node refuses this one, nothing else counts: this one is the newcomer, so far as it can tell,
// until most of the established stores were heard, or until it was ready for settledAfter.
type readiness struct {
	contact time.Time               // when another node last answered, refused this one or hung up; at first the start
	heard   map[roster.StoreID]bool // stores that answered since the start; never changed in place
	enough  time.Time               // since when (a) is done; zero: it is not
	ready   time.Time               // since when the node is ready; zero: it is not
	done    bool                    // (b) is done
	settled bool                    // (c) is done
}

// progress is the readiness of a node, for several goroutines.
type progress struct {
	sync.Mutex
	readiness
}

// sight is what is known at one moment.
type sight struct {
	now        time.Time
	quorum     int
	self       roster.Store
	roster     roster.Roster
	heard      []roster.StoreID // stores that answered a greeting now
	contact    time.Time        // when another node last answered, refused this one or hung up, as far as known; zero: never
	joining    string           // what a store that is not established waits for
	apart      error            // why this node talks to nobody; nil: it does not stay apart
	refusal    error            // why another node and this one cannot be in one cluster; nil: there is none such
	tried      bool             // each address of another node was tried since the start
	recovering bool
	disabled   safeguard.Set
}

// step takes in what is known now. The reason is why the node is not ready; nil: it is.
func (r readiness) step(s sight) (next readiness, reason error) {
	if s.contact.After(r.contact) {
		r.contact = s.contact
	}
	r.heard = r.hear(s.heard)
	r.settled = r.settled || r.heardMost(s)
	reason = r.waits(s)
	if reason == nil && r.enough.IsZero() {
		r.enough = s.now
	}
	if reason == nil && !r.done {
		if s.recovering && s.now.Sub(r.enough) < recoverLimit && !s.disabled.Has(safeguard.ReadyRecovered) {
			reason = errors.New("recovering: other stores have not yet made sure that all which this store acknowledged is on enough of them")
		} else {
			r.done = true
		}
	}
	switch {
	case reason != nil:
		r.ready = time.Time{}
	case r.ready.IsZero():
		r.ready = s.now
	case s.now.Sub(r.ready) >= settledAfter:
		r.settled = true
	}
	return r, reason
}

// hear returns the stores that were heard, these included.
func (r readiness) hear(now []roster.StoreID) map[roster.StoreID]bool {
	heard := r.heard
	for _, id := range now {
		if !heard[id] {
			next := map[roster.StoreID]bool{id: true}
			for old := range heard {
				next[old] = true
			}
			heard = next
		}
	}
	return heard
}

// waits says what the node waits for before (b); nil: for nothing.
func (r readiness) waits(s sight) error {
	switch {
	case s.apart != nil:
		return s.apart
	case !s.self.Established && s.refusal != nil:
		return fmt.Errorf("not established: %w", s.refusal)
	case !s.self.Established && s.roster.Cluster() != "" && !r.heardEnough(s):
		return fmt.Errorf("not established: %w", r.missing(s))
	case !s.self.Established:
		return fmt.Errorf("not established: %s", s.joining)
	case s.refusal != nil && !r.settled && !s.disabled.Has(safeguard.ReadyUnrefused):
		return fmt.Errorf("refused: %w", s.refusal)
	case !r.enough.IsZero() || s.disabled.Has(safeguard.ReadyHeard):
		return nil
	case !s.tried:
		return errors.New("joining: the addresses of other nodes are being tried")
	case r.heardEnough(s), s.now.Sub(r.contact) >= aloneLimit:
		return nil
	}
	return r.missing(s)
}

// heardEnough reports whether W established stores were heard since the start, this one included.
func (r readiness) heardEnough(s sight) bool { return r.count(s) >= s.quorum }

// heardMost reports whether more than half of the established stores were heard since the start, this one included. The settings of this
// node are those of the cluster then, because a node of other settings gets no answer.
func (r readiness) heardMost(s sight) bool {
	return s.self.Established && 2*r.count(s) > len(s.roster.Established())
}

// count returns how many established stores were heard since the start, this one included.
func (r readiness) count(s sight) int {
	n := 0
	for _, st := range s.roster.Established() {
		if st.ID == s.self.ID || r.heard[st.ID] {
			n++
		}
	}
	return n
}

// missing says which established stores were not heard since the start.
func (r readiness) missing(s sight) error {
	heard := 0
	var names []string
	for _, st := range s.roster.Established() {
		if st.ID == s.self.ID || r.heard[st.ID] {
			heard++
		} else {
			names = append(names, s.roster.Label(st))
		}
	}
	if all := heard + len(names); all < s.quorum {
		return fmt.Errorf("%d established stores, fewer than the write quorum of %d%s", all, s.quorum, replica.LeavingNote(s.roster))
	}
	slices.Sort(names)
	return fmt.Errorf("%d of the %d stores that the write quorum asks for were heard since the start: not yet %s%s",
		heard, s.quorum, strings.Join(slices.Compact(names), ", "), replica.LeavingNote(s.roster)+replica.Advice(names))
}
