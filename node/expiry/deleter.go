package expiry

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"flowring/flow"
	"flowring/ring/roster"
	"flowring/store"
)

// sweepEvery is the pause between two attempts while calls use such hours, or the disk fails.
const sweepEvery = time.Second

// Deleter deletes expired and erased hours.
type Deleter struct {
	store *store.Store
	log   *slog.Logger
	below atomic.Int64  // the floor
	marks roster.Marks  // of Obey
	wake  chan struct{} // has room for one
}

// New returns a Deleter.
func New(s *store.Store, log *slog.Logger) *Deleter {
	return &Deleter{store: s, log: log, wake: make(chan struct{}, 1)}
}

// Obey gives the store the floor and the erased hours of the roster. Without new ones it does nothing. Calls must not
// overlap.
func (d *Deleter) Obey(r roster.Roster) {
	below, marks := r.Floors().Expired, r.Marks()
	if int64(below) <= d.below.Load() && slices.Equal(marks, d.marks) {
		return
	}
	d.below.Store(int64(below))
	d.marks = marks
	d.store.Expire(below, func(h flow.Hour) bool { _, erased := marks.Erased(h); return erased })
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Run deletes hours after each change, until ctx ends.
func (d *Deleter) Run(ctx context.Context) {
	for {
		select {
		case <-d.wake:
			d.sweep(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// sweep deletes the expired and the erased hours, in as many attempts as it takes.
func (d *Deleter) sweep(ctx context.Context) {
	for ctx.Err() == nil {
		inUse, erasedInUse := d.sweepExpired(ctx), d.sweepErased(ctx)
		if !inUse && !erasedInUse {
			return
		}
		select {
		case <-time.After(sweepEvery):
		case <-ctx.Done():
		}
	}
}

// sweepExpired deletes the hours below the floor, and reports whether some are left.
func (d *Deleter) sweepExpired(ctx context.Context) (left bool) {
	below := flow.Hour(d.below.Load())
	deleted, left, err := d.store.Sweep()
	if err != nil {
		d.log.Warn("expired hours not deleted", "below", below, "error", err)
	}
	if deleted > 0 {
		d.log.Info("expired hours deleted", "below", below, "slices", deleted)
		if err := d.store.ReclaimBelow(ctx, below); err != nil && ctx.Err() == nil {
			d.log.Warn("space of expired hours not freed", "below", below, "error", err)
		}
	}
	return left
}

// sweepErased deletes the erased hours, and reports whether some are left.
func (d *Deleter) sweepErased(ctx context.Context) (left bool) {
	deleted, left, err := d.store.SweepErased()
	if err != nil {
		d.log.Warn("erased hours not deleted", "error", err)
	}
	if len(deleted) > 0 {
		d.log.Info("erased hours deleted", "slices", len(deleted))
	}
	for _, slice := range deleted {
		if err := d.store.Reclaim(ctx, slice); err != nil && ctx.Err() == nil {
			d.log.Warn("space of erased hours not freed", "slice", slice, "error", err)
		}
	}
	return left
}
