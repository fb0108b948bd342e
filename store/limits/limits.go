package limits

import (
	"errors"
	"sync/atomic"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/store/table"
)

// Limits bound the numbers of flows, names and slices in a store (P12); 0 means no limit. Only Check, on behalf of
// the owner of an hour, enforces them. Apply and Intake take every batch that another node has admitted. Batches
// admitted at the same time do not see each other, so together they can exceed a limit.
type Limits struct {
	Flows  int // of a slice
	Names  int // of a slice
	Slices int // of the store; the last tenth is only for hours near now
}

// NearHours is the largest distance in hours from the clock of the store at which an hour counts as near now. Agents
// report hours near now. A sender with a wrong clock or a wrong unit therefore cannot use up the slices for the other
// senders.
const NearHours = 48

// Refusals counts refusals, by limit.
type Refusals struct{ Flows, Names, Slices, Reserved atomic.Uint64 }

// Count counts the refusal of a slice, and returns it with its hour. It returns nil for no refusal.
func (r *Refusals) Count(s flow.Slice, err error) error {
	if err == nil {
		return nil
	}
	var refusal contract.Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	switch refusal {
	case contract.TooManyFlows:
		r.Flows.Add(1)
	case contract.TooManyNames:
		r.Names.Add(1)
	case contract.TooManyHours:
		r.Slices.Add(1)
	case contract.HoursReserved:
		r.Reserved.Add(1)
	}
	return &contract.HourError{Hour: s.Hour, Err: refusal}
}

// Fits returns the refusal of b for a slice with this table, nil if the slice may take it. Usually the table and all
// of b together are below the limits, and Fits looks nothing up. A batch without new flows and names always fits.
func (l Limits) Fits(t *table.Table, b *flow.Batch) error {
	switch {
	case l.Names > 0 && t.Names()+len(b.Names) > l.Names && exceeds(t.Names(), t.NewNames(b), l.Names):
		return contract.TooManyNames
	case l.Flows > 0 && t.Flows()+b.Len() > l.Flows && exceeds(t.Flows(), t.NewFlows(b), l.Flows):
		return contract.TooManyFlows
	}
	return nil
}

// exceeds reports whether more new elements bring a number over its limit. No new elements never do.
func exceeds(have, more, limit int) bool { return more > 0 && have+more > limit }

// FitsNew returns the refusal of b as the first batch of a slice at a store with the given number of slices, nil if the
// store may take it.
func (l Limits) FitsNew(b *flow.Batch, slices int, now time.Time) error {
	switch {
	case l.Slices > 0 && slices >= l.Slices:
		return contract.TooManyHours
	case l.Slices > 0 && slices >= l.Slices-l.Slices/10 && !near(b.Slice.Hour, now):
		return contract.HoursReserved
	case l.Names > 0 && len(b.Names) > l.Names:
		return contract.TooManyNames
	case l.Flows > 0 && b.Len() > l.Flows:
		return contract.TooManyFlows
	}
	return nil
}

// near reports whether an hour since 1970 is at most NearHours from now.
func near(h flow.Hour, now time.Time) bool {
	current := flow.Hour(now.Unix() / 3600)
	return current-NearHours <= h && h <= current+NearHours
}
