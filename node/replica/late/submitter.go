package late

import (
	"context"
	"errors"

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
	Floors       func() roster.Floors
	UnderWay     *underway.Registry
	PartlyStored func(ctx context.Context, batches []flow.Written) bool // reports whether an owner has one of the batches
}

// Submit stores a posting by send. If an hour of it is closed, Submit stores the posting by sendLate if an earlier attempt
// stored a part, and refuses it otherwise. The attempt is under way before Submit looks at the floors.
func (r *Submitter) Submit(ctx context.Context, batches []flow.Written, send, sendLate Sending) (replayed bool, err error) {
	key, sent := batches[0].Key, false
	r.UnderWay.Begin(key)
	defer func() { r.UnderWay.End(key, sent && err != nil && !RefusedWhole(err)) }()
	if r.tooOld(batches) == nil {
		sent = true
		replayed, err = send(ctx, batches)
		if !RefusedWhole(err) || !errors.Is(err, contract.TooOld) || r.tooOld(batches) == nil {
			return replayed, err
		}
		sent = false // an owner knows of a higher floor, and nothing is stored
	}
	if err := r.checkLate(ctx, batches); err != nil {
		return false, err
	}
	sent = true
	return r.submitKept(ctx, batches, sendLate)
}

// checkLate refuses a posting with a closed hour, unless an earlier attempt stored a part of it.
func (r *Submitter) checkLate(ctx context.Context, batches []flow.Written) error {
	refusal := r.tooOld(batches)
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

// submitKept stores the batches of a known posting whose hours have not expired. The others count as stored. The closed
// hours are stored too: a 4xx would say that nothing of the posting counts (P3).
func (r *Submitter) submitKept(ctx context.Context, batches []flow.Written, send Sending) (replayed bool, err error) {
	for {
		floors, kept := r.Floors(), make([]flow.Written, 0, len(batches))
		for _, b := range batches {
			if !floors.Expires(b.Slice.Hour) {
				kept = append(kept, b)
			}
		}
		if len(kept) == 0 {
			return false, &contract.UnavailableError{Reason: "the hours expired during the request"}
		}
		replayed, err = send(ctx, kept)
		if err == nil || r.Floors() == floors {
			return replayed, err
		}
	}
}

// RefusedWhole reports whether a write was refused and no store has a part of it.
func RefusedWhole(err error) bool {
	var refusal contract.Refusal
	return errors.As(err, &refusal) && refusal.OfContent() && !errors.As(err, new(*contract.UnavailableError))
}

// tooOld returns the refusal of the first closed hour; nil if all are open.
func (r *Submitter) tooOld(batches []flow.Written) error {
	floors := r.Floors()
	for _, b := range batches {
		if floors.Closes(b.Slice.Hour) {
			return &contract.HourError{Hour: b.Slice.Hour, Err: contract.TooOld}
		}
	}
	return nil
}
