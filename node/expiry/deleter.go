package expiry

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"flowring/flow"
	"flowring/ring/roster"
	"flowring/store"
)

// sweepEvery is the pause between two attempts while calls use expired hours, or the disk fails.
const sweepEvery = time.Second

// Deleter deletes expired hours.
type Deleter struct {
	store *store.Store
	log   *slog.Logger
	below atomic.Int64  // the floor
	wake  chan struct{} // has room for one
}

// New returns a Deleter.
func New(s *store.Store, log *slog.Logger) *Deleter {
	return &Deleter{store: s, log: log, wake: make(chan struct{}, 1)}
}

// Raise gives the store the floors of the roster. Without a floor it does nothing.
func (d *Deleter) Raise(f roster.Floors) {
	if int64(f.Expired) <= d.below.Load() {
		return
	}
	d.below.Store(int64(f.Expired))
	d.store.Expire(f.Expired)
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Run deletes hours after each raise, until ctx ends.
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

// sweep deletes the hours below the floor, in as many attempts as it takes.
func (d *Deleter) sweep(ctx context.Context) {
	for ctx.Err() == nil {
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
		if !left {
			return
		}
		select {
		case <-time.After(sweepEvery):
		case <-ctx.Done():
		}
	}
}
