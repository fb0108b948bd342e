package replica

import (
	"context"
	"errors"
	"io"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/node/replica/candidates"
)

// opener opens the answer of a store for a slice: of the store at addr, or of this store if addr is "".
type opener func(ctx context.Context, addr string) (io.Closer, error)

// Forward opens the first answer of a candidate of the slice: the owner, or the next one if the owner fails or is
// silent. It closes later answers. The result lives as long as ctx.
//
// After half a second without an answer Forward asks the store for a sign of life. A living store may have a large
// hour to load, so Forward waits for it: the next candidate would have to load the same hour. Forward gives up if no
// store gives a sign of life.
//
// A store may fail after a slow round, because it reached too few others. Most of the time of a GET is over then, so
// signs of life no longer extend the time of the next stores, and the refusal also comes within 4 s. A store that says
// that the hour has expired ends the attempts.
func (r *Replicas) Forward(ctx context.Context, s flow.Slice, open opener) (io.Closer, error) {
	list := r.finder.Lookup().Of(s)
	unavailable := &contract.UnavailableError{Reason: "no store of the hour answered"}
	if list.Len() == 0 {
		unavailable.Reason = "the cluster has no established store yet"
	}
	f := &forwarding{
		r: r, ctx: ctx, slice: s, open: open,
		results: make(chan opened, list.Len()), signs: make(chan bool, 1),
	}
	f.attempts = attempts{list: list, launch: f.start}
	ended, slowFailure, begun := 0, false, time.Now()
	r.hedges.Earn()
	defer func() { f.abandon(ended) }()
	slow := time.NewTimer(r.DigestWait / 2)
	defer slow.Stop()
	silence := time.NewTimer(r.silenceLimit())
	defer silence.Stop()
	for ended < len(f.asked) || f.launchNext() {
		select {
		case o := <-f.results:
			ended++
			if o.err == nil {
				f.won = o.attempt
				return o.Closer, nil
			}
			if errors.Is(o.err, contract.Expired) { // one such word is enough
				return nil, contract.Expired
			}
			f.lastFailed = o.attempt
			unavailable.AddFailure(r.label(o.from.Store), o.err)
			if took := time.Since(begun); took >= r.DigestWait && contract.IsUnreached(o.err) {
				slowFailure = true
				silence.Reset(r.silenceLimit() - took)
			}
		case <-slow.C:
			f.askForSign()
		case alive := <-f.signs:
			pause := r.DigestWait
			switch {
			case alive && slowFailure:
			case alive:
				silence.Reset(r.silenceLimit())
			case r.hedges.Spend(): // the budget keeps slow hours from being read at every store
				f.launchNext()
				pause /= 2 // a GET has 4 s in all
			}
			slow.Reset(pause)
		case <-silence.C:
			return nil, f.outOfTime(r, unavailable, errSilent)
		case <-ctx.Done():
			return nil, f.outOfTime(r, unavailable, context.Cause(ctx))
		}
	}
	return nil, unavailable
}

// silenceLimit returns the time of a read without a sign of life. It is enough for three silent stores.
func (r *Replicas) silenceLimit() time.Duration { return 3 * (r.DigestWait + r.HedgeAfter) }

// errSilent ends a read without a sign of life.
var errSilent = errors.New("the hour's stores are silent")

// forwarding is the attempts of one Forward. Stop ends those under way, and waits for them.
type forwarding struct {
	attempts
	r          *Replicas
	ctx        context.Context
	slice      flow.Slice
	open       opener
	results    chan opened
	signs      chan bool            // whether the last store asked is alive
	cancels    []context.CancelFunc // by attempt
	won        int                  // the attempt whose answer is the result, counted from 1; 0: none
	lastFailed int                  // the last failed attempt
}

// askForSign asks the last candidate for its digest of the slice, which any store answers immediately.
func (f *forwarding) askForSign() {
	attempt := len(f.asked)
	to := f.asked[attempt-1]
	if f.lastFailed == attempt || to.Self {
		f.signs <- to.Self && f.lastFailed != attempt
		return
	}
	err := f.r.runDetached(func() {
		ctx, cancel := context.WithTimeout(f.ctx, f.r.HedgeAfter)
		defer cancel()
		defer context.AfterFunc(f.r.ctx, cancel)()
		answer, err := f.r.Peers.Digest(ctx, to.Addr, f.slice, "")
		f.signs <- checkAnswer(to.Store, answer.From, err) == nil
	})
	if err != nil {
		f.signs <- false
	}
}

// opened is the result of one attempt.
type opened struct {
	io.Closer
	attempt int
	from    candidates.Candidate
	err     error
}

func (f *forwarding) start(to candidates.Candidate) {
	ctx, cancel := context.WithCancel(f.ctx)
	f.cancels = append(f.cancels, cancel)
	attempt := len(f.asked)
	addr := to.Addr
	if to.Self {
		addr = ""
	}
	err := f.r.runDetached(func() {
		defer context.AfterFunc(f.r.ctx, cancel)()
		c, err := f.open(ctx, addr)
		f.results <- opened{c, attempt, to, err}
	})
	if err != nil {
		f.results <- opened{nil, attempt, to, err}
	}
}

// abandon cancels every attempt except the winner, which ends with ctx, and closes their answers.
func (f *forwarding) abandon(ended int) {
	for i, cancel := range f.cancels {
		if i+1 != f.won {
			cancel()
		}
	}
	closeRest := func() {
		for ; ended < len(f.asked); ended++ {
			if o := <-f.results; o.err == nil {
				o.Close()
			}
		}
	}
	if ended < len(f.asked) && f.r.runDetached(closeRest) != nil {
		closeRest()
	}
}
