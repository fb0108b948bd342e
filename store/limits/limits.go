package limits

import (
	"errors"
	"fmt"
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

	Ahead time.Duration // largest distance of an hour since 1970 from the clock, into the future
	Clock Clock         // for Ahead; nil: that of the machine
}

// Clock is a wall clock that knows the clocks of other machines.
type Clock interface {
	Millis() int64 // since 1970
	Off() bool     // whether the others have another time: then it judges no hour
}

// The meanings of hours.
const (
	UnixHours = "unix" // hours since the Unix epoch: Limits.Ahead has a meaning
	AnyHours  = "any"  // numbers
)

// DefaultAhead is the default of the setting behind Limits.Ahead.
const DefaultAhead = 48 * time.Hour

// Ahead returns Limits.Ahead for a meaning of hours: none for numbers.
func Ahead(meaning string, setting time.Duration) time.Duration {
	if meaning != UnixHours {
		return 0
	}
	return setting
}

// CheckHours reports an unknown meaning of hours (empty: AnyHours), and one that contradicts the acceptance of times in
// other units.
func CheckHours(meaning string, otherUnits bool) error {
	switch {
	case meaning != "" && meaning != UnixHours && meaning != AnyHours:
		return fmt.Errorf("hours %q: must be %s or %s", meaning, UnixHours, AnyHours)
	case meaning == UnixHours && otherUnits:
		return fmt.Errorf("any-hour: must be off with hours %s, because it accepts numbers that are no hours", UnixHours)
	}
	return nil
}

// NearHours is the largest distance in hours from the clock of the store at which an hour counts as near now. Agents
// report hours near now. A sender with a wrong clock or a wrong unit therefore cannot use up the slices for the other
// senders.
const NearHours = 48

// Refusals counts refusals, by limit.
type Refusals struct{ Flows, Names, Slices, Reserved, Future atomic.Uint64 }

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
	case contract.FutureHour:
		r.Future.Add(1)
	}
	return &contract.HourError{Hour: s.Hour, Err: refusal}
}

// Fits returns the refusal of b for a slice with this table, nil if the slice may take it. Usually the table and all
// of b together are below the limits, and Fits looks nothing up. A batch without new flows and names always fits.
func (l Limits) Fits(t *table.Table, b *flow.Batch) error {
	switch {
	case l.Ahead > 0 && l.future(b.Slice.Hour):
		return contract.FutureHour
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
	case l.Ahead > 0 && l.future(b.Slice.Hour):
		return contract.FutureHour
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

// future reports whether an hour since 1970 begins more than Ahead after now.
func (l Limits) future(h flow.Hour) bool {
	now := time.Now()
	if l.Clock != nil {
		if l.Clock.Off() {
			return false
		}
		now = time.UnixMilli(l.Clock.Millis())
	}
	return h > flow.Hour(now.Add(l.Ahead).Unix()/3600)
}

// near reports whether an hour since 1970 is at most NearHours from now.
func near(h flow.Hour, now time.Time) bool {
	current := flow.Hour(now.Unix() / 3600)
	return current-NearHours <= h && h <= current+NearHours
}
