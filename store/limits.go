package store

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"flowring/flow"
	"flowring/store/table"
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
func (l Limits) fits(t *table.Table, b *flow.Batch) error {
	switch {
	case l.Names > 0 && t.Names()+len(b.Names) > l.Names && passes(t.Names(), t.NewNames(b), l.Names):
		return ErrTooManyNames
	case l.Flows > 0 && t.Flows()+b.Len() > l.Flows && passes(t.Flows(), t.NewFlows(b), l.Flows):
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
