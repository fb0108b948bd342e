package store

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"flowring/flow"
)

// Limits bound how many different things a store comes to hold (P12), 0 for no limit. Only Check looks at them, which the owner
// of an hour asks before it admits a batch: Apply and an Intake take whatever another node has admitted. Batches that are
// admitted at the same time do not see each other, and can bring a number over its limit by what is under way.
type Limits struct {
	Flows  int // of a slice
	Names  int // of a slice
	Slices int // of the store; the last tenth of them is for hours near now alone
}

// nearHours is how many hours before or after the store's clock an hour may be to count as near now. Hours near now are the ones that
// agents report: a sender with a wrong clock or a wrong unit does not use up the room that the others need.
const nearHours = 48

// The errors of Check for what would pass a limit. Nothing of the batch may be stored.
var (
	ErrTooManyFlows  = errors.New("the hour has as many flows as it may")
	ErrTooManyNames  = errors.New("the hour has as many names as it may")
	ErrTooManySlices = errors.New("the store has as many hours as it may")
	ErrSlicesKept    = errors.New("the store keeps the last tenth of its hours for those near now")
)

// LimitError says which hour a limit refuses, and which limit that is: an error that Check names.
type LimitError struct {
	Hour flow.Hour
	Err  error
}

// Error returns the hour and the limit.
func (e *LimitError) Error() string { return fmt.Sprintf("hour %d: %v", e.Hour, e.Err) }

// Unwrap returns the limit.
func (e *LimitError) Unwrap() error { return e.Err }

// refused counts what Check has refused for a limit.
type refused struct{ flows, names, slices, kept atomic.Uint64 }

// limit returns the error for a slice that a limit refuses, counted; nil for no error.
func (r *refused) limit(s flow.Slice, err error) error {
	switch err {
	case nil:
		return nil
	case ErrTooManyFlows:
		r.flows.Add(1)
	case ErrTooManyNames:
		r.names.Add(1)
	case ErrTooManySlices:
		r.slices.Add(1)
	case ErrSlicesKept:
		r.kept.Add(1)
	}
	return &LimitError{s.Hour, err}
}

// fits reports whether a slice that has this content may take the batch. Nearly always what is there and all of b together are
// below the limit, and nothing need be looked up. What adds to known flows alone fits always.
func (l Limits) fits(c *content, b *flow.Batch) error {
	switch {
	case l.Names > 0 && c.names.count()+len(b.Names) > l.Names && passes(c.names.count(), c.newNames(b), l.Names):
		return ErrTooManyNames
	case l.Flows > 0 && c.flows()+b.Len() > l.Flows && passes(c.flows(), c.newFlows(b), l.Flows):
		return ErrTooManyFlows
	}
	return nil
}

// passes reports whether as many new ones as that bring a number over its limit.
func passes(have, more, limit int) bool { return more > 0 && have+more > limit }

// mayBegin reports whether the store may take the batch as the first of its slice, after so many other new slices of one call. Slices of
// which the first batch is being written count.
func (s *Store) mayBegin(b *flow.Batch, l Limits, others int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	have := len(s.held) + others
	switch {
	case l.Slices > 0 && have >= l.Slices:
		return ErrTooManySlices
	case l.Slices > 0 && have >= l.Slices-l.Slices/10 && !near(b.Slice.Hour, time.Now()):
		return ErrSlicesKept
	case l.Names > 0 && len(b.Names) > l.Names:
		return ErrTooManyNames
	case l.Flows > 0 && b.Len() > l.Flows:
		return ErrTooManyFlows
	}
	return nil
}

// near reports whether an hour, counted from 1970, is at most nearHours from a time.
func near(h flow.Hour, now time.Time) bool {
	current := flow.Hour(now.Unix() / 3600)
	return current-nearHours <= h && h <= current+nearHours
}

// newNames returns how many names of b the slice does not have.
func (c *content) newNames(b *flow.Batch) int {
	ids, _ := c.names.find(b.Names)
	n := 0
	for _, id := range ids {
		if id == unknown {
			n++
		}
	}
	return n
}

// newFlows returns how many flows of b the slice does not have.
func (c *content) newFlows(b *flow.Batch) int {
	ids, _ := c.names.find(b.Names)
	n := 0
	for i := range b.Src {
		k := triple{ids[b.Src[i]], ids[b.Dest[i]], ids[b.VPC[i]]}
		h := k.hash(c.seed)
		if _, known := c.shards[h.shard()].get(k, h); !known {
			n++
		}
	}
	return n
}

// count returns the number of names.
func (n *names) count() int {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return len(n.list)
}
