package replica

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
)

// descent is a batch on its way down the list of its places.
type descent struct {
	queue
	r     *Replicas
	batch flow.Written
	do    attempt
	fail  contract.UnavailableError
	maybe bool          // whether some attempt may have had an effect
	first time.Duration // how long the next attempt may take
}

// patience is how long one attempt may take before the next place is tried: longer than the owner itself waits before it doubles a
// replica.
func (r *Replicas) patience() time.Duration { return 4 * r.HedgeAfter }

// errSlow ends an attempt that was given up.
var errSlow = errors.New("too slow")

// here makes an attempt at this store in the goroutine of the caller: handing it to another and back is a tenth of what a small write
// costs. One that is slow is given up, though what it does may go on.
func (d *descent) here(ctx context.Context, at place) (bool, error) {
	d.asked = append(d.asked, at)
	if len(d.places.owners) > 0 {
		var giveUp context.CancelCauseFunc
		ctx, giveUp = context.WithCancelCause(ctx)
		defer giveUp(nil)
		var slow atomic.Pointer[time.Timer]
		slow.Store(time.AfterFunc(d.first, func() {
			if ctx.Err() != nil {
				return
			}
			if d.r.hedges.Spend() {
				giveUp(errSlow)
			} else if timer := slow.Load(); timer != nil {
				timer.Reset(d.r.patience())
			}
		}))
		defer func() { slow.Load().Stop() }()
	}
	return d.do(ctx, at, []flow.Written{d.batch})
}

// failed notes that an attempt failed.
func (d *descent) failed(at place, err error) {
	d.maybe = d.maybe || !d.r.NotSent(err)
	addFailure(&d.fail, d.r.label(at.Store), err)
}

// late says that no attempt ended in time.
func (d *descent) late(ctx context.Context) error {
	for _, p := range d.asked {
		d.fail.Stores = appendNew(d.fail.Stores, d.r.label(p.Store))
	}
	d.fail.Reason, d.fail.Err = "the hour's stores did not answer in time", context.Cause(ctx)
	if d.r.ctx.Err() != nil {
		d.fail.Reason, d.fail.Err = "this node is stopping", errStopped
	}
	return &d.fail
}

// down tries the places that are left. What still runs when it returns is cancelled: whatever it does is known by its
// dot.
func (d *descent) down(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.r.ctx, cancel)()
	results := make(chan outcome, len(d.places.owners))
	d.launch = func(at place) {
		err := d.r.runDetached(func() {
			replayed, err := d.do(ctx, at, []flow.Written{d.batch})
			results <- outcome{at, replayed, err}
		})
		if err != nil {
			results <- outcome{at: at, err: err}
		}
	}
	done := len(d.asked)
	d.next()
	slow := time.NewTimer(d.first)
	defer slow.Stop()
	for done < len(d.asked) || d.next() {
		select {
		case o := <-results:
			done++
			switch {
			case o.err == nil:
				return o.replayed, nil
			case refused(o.err) && !d.maybe && done == len(d.asked):
				return false, o.err
			case refused(o.err):
				d.fail.Reason, d.fail.Err = "one store refused the write and another may have stored it", o.err
				return false, &d.fail
			}
			d.failed(o.at, o.err)
			d.next()
		case <-slow.C:
			if d.r.hedges.Spend() {
				d.next()
			}
			slow.Reset(d.r.patience())
		case <-ctx.Done():
			return false, d.late(ctx)
		}
	}
	return false, &d.fail
}
