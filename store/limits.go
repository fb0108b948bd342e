package store

import (
	"errors"
	"sync/atomic"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
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

// refused counts what Check has refused for a limit.
type refused struct{ flows, names, slices, kept atomic.Uint64 }

// limit counts the refusal of a slice for a limit, and returns it with the hour. It returns nil for no error.
func (r *refused) limit(s flow.Slice, err error) error {
	if err == nil {
		return nil
	}
	var refusal contract.Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	switch refusal {
	case contract.TooManyFlows:
		r.flows.Add(1)
	case contract.TooManyNames:
		r.names.Add(1)
	case contract.TooManyHours:
		r.slices.Add(1)
	case contract.HoursReserved:
		r.kept.Add(1)
	}
	return &contract.HourError{Hour: s.Hour, Err: refusal}
}

// fits reports whether a slice that has this content may take the batch. Nearly always what is there and all of b together are
// below the limit, and nothing need be looked up. What adds to known flows alone fits always.
func (l Limits) fits(t *table.Table, b *flow.Batch) error {
	switch {
	case l.Names > 0 && t.Names()+len(b.Names) > l.Names && passes(t.Names(), t.NewNames(b), l.Names):
		return contract.TooManyNames
	case l.Flows > 0 && t.Flows()+b.Len() > l.Flows && passes(t.Flows(), t.NewFlows(b), l.Flows):
		return contract.TooManyFlows
	}
	return nil
}

// passes reports whether as many new ones as that bring a number over its limit.
func passes(have, more, limit int) bool { return more > 0 && have+more > limit }

// checkNewSlice reports whether the store may take the batch as the first of its slice, after so many other new slices of one call. Slices of
// which the first batch is being written count.
func (s *Store) checkNewSlice(b *flow.Batch, l Limits, others int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	have := len(s.entries) + others
	switch {
	case l.Slices > 0 && have >= l.Slices:
		return contract.TooManyHours
	case l.Slices > 0 && have >= l.Slices-l.Slices/10 && !near(b.Slice.Hour, time.Now()):
		return contract.HoursReserved
	case l.Names > 0 && len(b.Names) > l.Names:
		return contract.TooManyNames
	case l.Flows > 0 && b.Len() > l.Flows:
		return contract.TooManyFlows
	}
	return nil
}

// near reports whether an hour, counted from 1970, is at most nearHours from a time.
func near(h flow.Hour, now time.Time) bool {
	current := flow.Hour(now.Unix() / 3600)
	return current-nearHours <= h && h <= current+nearHours
}
