package late

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/node/replica/underway"
	"flowring/ring/roster"
)

// Sending stores the batches of a posting.
type Sending func(ctx context.Context, batches []flow.Written) (replayed bool, err error)

// Submitter submits postings of any hours. Its fields do not change.
type Submitter struct {
	Asker
	Roster       func() roster.Roster
	UnderWay     *underway.Registry
	PartlyStored func(ctx context.Context, batches []flow.Written) bool // reports whether an owner has one of the batches
}

// Submit stores a posting by send. If an hour of it is closed, Submit stores the posting by sendLate if an earlier
// attempt stored a part, and refuses it otherwise. The attempt is under way before Submit looks at the floors.
func (r *Submitter) Submit(
	ctx context.Context, batches []flow.Written, send, sendLate Sending,
) (replayed bool, err error) {
	key, sent := batches[0].Key, false
	r.UnderWay.Begin(key)
	defer func() { r.UnderWay.End(key, sent && err != nil && !RefusedWhole(err)) }()
	if r.closed(batches) == nil {
		sent = true
		replayed, err = send(ctx, batches)
		if !RefusedWhole(err) || !IsClosed(err) || r.closed(batches) == nil {
			return replayed, cmp.Or(err, r.checkMarks(batches))
		}
		sent = false // an owner knows of a higher floor or of a mark, and nothing is stored
	}
	if err := r.checkLate(ctx, batches); err != nil {
		return false, err
	}
	sent = true
	replayed, err = r.submitKept(ctx, batches, sendLate)
	return replayed, cmp.Or(err, r.checkMarks(batches))
}

// checkMarks judges acknowledged batches by the marks of hours. The roster has the marks of all stores that
// acknowledged them by now. Of an hour that is closed by a mark, and not erased yet, the batch may be deleted at any
// moment by a store that did not acknowledge it. The batches of hours that are gone count as stored, unless that is all
// of them.
func (r *Submitter) checkMarks(batches []flow.Written) error {
	if r.Rule.Disabled.Has(safeguard.MergeMarks) {
		return nil
	}
	known, gone := r.Roster(), 0
	for _, b := range batches {
		switch hour := b.Slice.Hour; {
		case known.Gone(hour):
			gone++
		case known.Marks().Closes(hour):
			return &contract.UnavailableError{Reason: fmt.Sprintf("hour %d is being erased", hour)}
		}
	}
	if gone == len(batches) {
		return &contract.UnavailableError{Reason: "the hours were erased during the request"}
	}
	return nil
}

// checkLate refuses a posting with a closed hour, unless an earlier attempt stored a part of it.
func (r *Submitter) checkLate(ctx context.Context, batches []flow.Written) error {
	refusal := r.closed(batches)
	if batches[0].ID.IsZero() || r.Rule.Disabled.Has(safeguard.KeyFirst) {
		return refusal
	}
	if r.PartlyStored(ctx, batches) {
		return nil
	}
	known, err := r.Known(ctx, batches)
	if err != nil || known {
		return err
	}
	return refusal
}

// submitKept stores the batches of a known posting whose hours are kept. The others count as stored. The closed
// hours are stored too: a 4xx would say that nothing of the posting counts (P3).
func (r *Submitter) submitKept(ctx context.Context, batches []flow.Written, send Sending) (replayed bool, err error) {
	for {
		kept := r.kept(batches)
		if len(kept) == 0 {
			return false, &contract.UnavailableError{Reason: "the hours expired or were erased during the request"}
		}
		replayed, err = send(ctx, kept)
		if err == nil || len(r.kept(kept)) == len(kept) {
			return replayed, err
		}
	}
}

// kept returns the batches of the hours that are neither expired nor erased.
func (r *Submitter) kept(batches []flow.Written) []flow.Written {
	known, kept := r.Roster(), make([]flow.Written, 0, len(batches))
	for _, b := range batches {
		if !known.Gone(b.Slice.Hour) {
			kept = append(kept, b)
		}
	}
	return kept
}

// RefusedWhole reports whether a write was refused and no store has a part of it.
func RefusedWhole(err error) bool {
	var refusal contract.Refusal
	return errors.As(err, &refusal) && refusal.OfContent() && !errors.As(err, new(*contract.UnavailableError))
}

// closed returns the refusal of the first closed hour; nil if all are open.
func (r *Submitter) closed(batches []flow.Written) error {
	known := r.Roster()
	for _, b := range batches {
		if err := Refusal(known, b.Slice.Hour); err != nil {
			return err
		}
	}
	return nil
}

// Refusal returns the refusal of a new request with an hour; nil: the hour is open.
func Refusal(known roster.Roster, h flow.Hour) error {
	switch {
	case known.Floors().Closes(h):
		return &contract.HourError{Hour: h, Err: contract.TooOld}
	case known.Marks().Closes(h):
		return &contract.HourError{Hour: h, Err: contract.ClosedHour}
	}
	return nil
}

// IsClosed reports whether err is a refusal of a closed hour.
func IsClosed(err error) bool {
	return errors.Is(err, contract.TooOld) || errors.Is(err, contract.ClosedHour)
}
