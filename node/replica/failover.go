package replica

import (
	"cmp"
	"context"
	"errors"
	"sync/atomic"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/node/replica/candidates"
	"flowring/node/replica/owners"
)

// attempts asks the candidates of a slice one by one.
type attempts struct {
	list   candidates.List
	launch func(to candidates.Candidate) // starts an attempt and does not wait for it
	asked  []candidates.Candidate
}

// launchNext starts an attempt at the next candidate. It reports false if there is none left.
func (a *attempts) launchNext() bool {
	to, ok := a.list.Next()
	if !ok {
		return false
	}
	a.asked = append(a.asked, to)
	a.launch(to)
	return true
}

// outOfTime completes a refusal for lack of time by the candidates asked and the cause, and returns it.
func (a *attempts) outOfTime(r *Replicas, unavailable *contract.UnavailableError, cause error) error {
	for _, c := range a.asked {
		unavailable.AddStores(r.label(c.Store))
	}
	unavailable.Err = cause
	return unavailable
}

// failover does one thing with batches at the candidates of their slice, in order, until one attempt succeeds. The next
// attempt starts as soon as one fails or is slow.
type failover struct {
	attempts
	r            *Replicas
	batches      []flow.Written
	do           action
	unavailable  contract.UnavailableError
	maybeApplied bool          // a failed attempt may have had an effect
	hedgeAfter   time.Duration // the time of the next attempt until another one may start beside it

	begin  beginning            // begins an attempt without another goroutine; nil: no attempt begins so
	direct owners.Pending       // the attempt begun so that is under way; nil: none
	at     candidates.Candidate // of the direct attempt
}

// beginning begins an action without waiting. It returns nil if it would have to wait.
type beginning func(ctx context.Context, to candidates.Candidate, batches []flow.Written) owners.Pending

// outcome is the result of one attempt.
type outcome struct {
	from     candidates.Candidate
	replayed bool
	err      error
}

// ownerHedgeAfter returns the time of an attempt at an owner until the next candidate may be tried beside it. It is
// longer than the owner itself waits before it hedges a replica.
func (r *Replicas) ownerHedgeAfter() time.Duration { return 4 * r.HedgeAfter }

// errSlow ends a slow attempt at this store.
var errSlow = errors.New("too slow")

// withFailover does one thing with a batch at the first candidate of its slice that succeeds. The caller has already
// waited for an attempt at the first candidate for the given time.
func (r *Replicas) withFailover(ctx context.Context, b flow.Written, do action, waited time.Duration) (bool, error) {
	f := r.newFailover(r.finder.Lookup().Of(b.Slice), []flow.Written{b}, do)
	f.hedgeAfter = max(0, f.hedgeAfter-waited)
	return f.run(ctx)
}

// admitAlone admits the only batch of a posting.
func (r *Replicas) admitAlone(ctx context.Context, b flow.Written) (bool, error) {
	f := r.newFailover(r.finder.Lookup().Of(b.Slice), []flow.Written{b}, r.admitAt)
	f.begin = r.beginAdmit
	return f.run(ctx)
}

// beginAdmit begins to admit batches at another store.
func (r *Replicas) beginAdmit(ctx context.Context, to candidates.Candidate, batches []flow.Written) owners.Pending {
	if to.Self {
		return nil
	}
	return r.Peers.BeginAdmit(ctx, to.Addr, false, batches[0].Posting, owners.Encoded(batches)...)
}

// run makes the attempts, the first one in the goroutine of the caller if it is at this store.
func (f *failover) run(ctx context.Context) (bool, error) {
	f.r.hedges.Earn()
	f.unavailable.Reason = "no store of the hour could take the write"
	if self, ok := f.list.NextIfSelf(); ok {
		replayed, err := f.tryHere(ctx, self)
		if err == nil || refused(err) {
			return replayed, err
		}
		f.noteFailure(self, err)
		if ctx.Err() != nil {
			return false, f.timedOut(ctx)
		}
		f.hedgeAfter = f.r.ownerHedgeAfter()
	}
	return f.tryOthers(ctx)
}

func (r *Replicas) newFailover(list candidates.List, batches []flow.Written, do action) *failover {
	return &failover{attempts: attempts{list: list}, r: r, batches: batches, do: do, hedgeAfter: r.ownerHedgeAfter()}
}

// tryHere makes an attempt at this store in the goroutine of the caller, because a change of goroutines costs a tenth
// of a small write. It gives up a slow attempt if there are other candidates. Its effects may go on.
func (f *failover) tryHere(ctx context.Context, self candidates.Candidate) (bool, error) {
	f.asked = append(f.asked, self)
	if f.list.Len() > 0 {
		var giveUp context.CancelCauseFunc
		ctx, giveUp = context.WithCancelCause(ctx)
		defer giveUp(nil)
		var slow atomic.Pointer[time.Timer]
		slow.Store(time.AfterFunc(f.hedgeAfter, func() {
			if ctx.Err() != nil {
				return
			}
			if f.r.hedges.Spend() {
				giveUp(errSlow)
			} else if timer := slow.Load(); timer != nil {
				timer.Reset(f.r.ownerHedgeAfter())
			}
		}))
		defer func() { slow.Load().Stop() }()
	}
	return f.do(ctx, self, f.batches)
}

// tryOthers tries the other candidates. At its return it cancels the running attempts; the dot of the batch identifies
// their effects.
func (f *failover) tryOthers(ctx context.Context) (bool, error) {
	slow := time.NewTimer(f.hedgeAfter)
	defer slow.Stop()
	if f.beginNext(ctx) {
		select {
		case <-f.direct.Arrived():
			if replayed, done, err := f.take(f.directOutcome(), len(f.asked)); done {
				return replayed, err
			}
		case <-slow.C:
			slow.Reset(0)
		case <-ctx.Done():
			return false, f.abandon(ctx)
		case <-f.r.ctx.Done():
			return false, f.abandon(f.r.ctx)
		}
	}
	return f.race(ctx, slow)
}

// beginNext begins an attempt at the next candidate without another goroutine. Each change of goroutines costs a tenth
// of a small write. It reports false if there is none.
func (f *failover) beginNext(ctx context.Context) bool {
	if f.begin == nil {
		return false
	}
	rest, ok := f.list, false
	if f.at, ok = rest.Next(); ok {
		f.direct = f.begin(ctx, f.at, f.batches)
	}
	if f.direct == nil {
		return false
	}
	f.list, f.asked = rest, append(f.asked, f.at)
	return true
}

// directOutcome returns the outcome of the direct attempt, which has ended.
func (f *failover) directOutcome() outcome {
	replayed, err := f.direct.Result()
	f.direct = nil
	return outcome{f.at, replayed, err}
}

// abandon gives the direct attempt up, and returns the error of the write.
func (f *failover) abandon(ended context.Context) error {
	f.direct.GiveUp(ended.Err())
	return f.timedOut(ended)
}

// race tries the next candidates, beside the direct attempt if there is one. slow fires when another attempt may start.
func (f *failover) race(ctx context.Context, slow *time.Timer) (bool, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(f.r.ctx, cancel)()
	results := make(chan outcome, f.list.Len())
	f.launch = func(to candidates.Candidate) {
		err := f.r.runDetached(func() {
			replayed, err := f.do(ctx, to, f.batches)
			results <- outcome{to, replayed, err}
		})
		if err != nil {
			results <- outcome{from: to, err: err}
		}
	}
	ended := len(f.asked)
	var arrived <-chan struct{}
	if f.direct != nil {
		ended--
		arrived = f.direct.Arrived()
		defer func() {
			if f.direct != nil {
				f.direct.GiveUp(cmp.Or(ctx.Err(), context.Canceled))
			}
		}()
	} else {
		f.launchNext()
	}
	for ended < len(f.asked) || f.launchNext() {
		var o outcome
		select {
		case <-arrived:
			o, arrived = f.directOutcome(), nil
		case o = <-results:
		case <-slow.C:
			if f.r.hedges.Spend() {
				f.launchNext()
			}
			slow.Reset(f.r.ownerHedgeAfter())
			continue
		case <-ctx.Done():
			return false, f.timedOut(ctx)
		}
		ended++
		if replayed, done, err := f.take(o, ended); done {
			return replayed, err
		}
		f.launchNext()
	}
	return false, &f.unavailable
}

// take handles the outcome of an attempt, as the given one of the attempts. It reports whether the write has ended.
func (f *failover) take(o outcome, ended int) (replayed, done bool, err error) {
	switch {
	case o.err == nil:
		return o.replayed, true, nil
	case refused(o.err) && !f.maybeApplied && ended == len(f.asked):
		return false, true, o.err
	case refused(o.err):
		f.unavailable.Reason = "one store refused the write and another may have stored it"
		f.unavailable.Err = o.err
		return false, true, &f.unavailable
	}
	f.noteFailure(o.from, o.err)
	return false, false, nil
}

// noteFailure notes the failure of an attempt.
func (f *failover) noteFailure(from candidates.Candidate, err error) {
	f.maybeApplied = f.maybeApplied || !f.r.NotSent(err)
	f.unavailable.AddFailure(f.r.label(from.Store), err)
}

// timedOut returns the error of a write without a successful attempt in time.
func (f *failover) timedOut(ctx context.Context) error {
	f.unavailable.Reason = "the hour's stores did not answer in time"
	if f.r.ctx.Err() != nil {
		f.unavailable.Reason = "this node is stopping"
		return f.outOfTime(f.r, &f.unavailable, errStopped)
	}
	return f.outOfTime(f.r, &f.unavailable, context.Cause(ctx))
}

// refused reports whether a store refused the content of a write.
func refused(err error) bool {
	if err == nil {
		return false
	}
	var r contract.Refusal
	return errors.As(err, &r) && r.OfContent()
}

// yields reports whether a store refused a write for a reason that does not apply to the rest of a partly stored
// posting.
func yields(err error) bool {
	var r contract.Refusal
	return errors.As(err, &r) && r.Yields()
}
