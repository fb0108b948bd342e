package replica

import (
	"context"
	"errors"
	"io"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
)

// opener opens a slice at a store: at addr, or here when addr is "".
type opener func(ctx context.Context, addr string) (io.Closer, error)

// Forward opens a slice at the first store of its list that answers: the owner, or where it fails or is silent the next one. What
// loses the race is closed. The result lives as long as ctx.
//
// A store that has not answered for a while is asked for a sign of life. One that gives it is waited for, as it may have a large hour to
// load: the next one would only have to do the same. Without a sign from anybody Forward gives up.
//
// A store that says only after a slow round that its answer does not suffice has had most of a GET's time. From then on signs of life do
// not extend the time of the next stores, so that the refusal comes within 4 s too.
func (r *Replicas) Forward(ctx context.Context, s flow.Slice, open opener) (io.Closer, error) {
	places := r.places(s)
	fail := &contract.UnavailableError{Reason: "no store of the hour answered"}
	if len(places.owners) == 0 {
		fail.Reason = "the cluster has no established store yet"
	}
	f := &forwarding{r: r, ctx: ctx, slice: s, open: open, results: make(chan opened, len(places.owners)), signs: make(chan bool, 1)}
	f.queue = queue{places: places, launch: f.launch}
	done, judged, begun := 0, false, time.Now()
	r.hedges.Earn()
	defer func() { f.abandon(done) }()
	slow := time.NewTimer(r.DigestWait / 2)
	defer slow.Stop()
	silence := time.NewTimer(r.silence())
	defer silence.Stop()
	for done < len(f.asked) || f.next() {
		select {
		case o := <-f.results:
			done++
			if o.err == nil {
				f.won = o.attempt
				return o.Closer, nil
			}
			f.failed = o.attempt
			addFailure(fail, r.label(o.at.Store), o.err)
			if took := time.Since(begun); took >= r.DigestWait && isUnreached(o.err) {
				judged = true
				silence.Reset(r.silence() - took)
			}
		case <-slow.C:
			f.askForSign()
		case alive := <-f.signs:
			pause := r.DigestWait
			switch {
			case alive && judged:
			case alive:
				silence.Reset(r.silence())
			case r.hedges.Spend(): // where all hours are large, all being slow, every copy would read each
				f.next()
				pause /= 2 // a GET has 4 s in all
			}
			slow.Reset(pause)
		case <-silence.C:
			fail.Err = errSilent
			return nil, fail
		case <-ctx.Done():
			fail.Err = context.Cause(ctx)
			return nil, fail
		}
	}
	return nil, fail
}

// silence is how long a read goes on without a sign of life: three stores may turn out to be silent.
func (r *Replicas) silence() time.Duration { return 3 * (r.DigestWait + r.HedgeAfter) }

// errSilent says that nobody gave a sign of life.
var errSilent = errors.New("the hour's stores are silent")

// forwarding is the attempts of one Forward. Stop ends those under way, and waits for them.
type forwarding struct {
	queue
	r       *Replicas
	ctx     context.Context
	slice   flow.Slice
	open    opener
	results chan opened
	signs   chan bool            // whether the store asked last is alive
	cancels []context.CancelFunc // by attempt
	won     int                  // the attempt that goes on, counted from 1; 0: none
	failed  int                  // the last attempt that failed
}

// askForSign asks the store that was asked last for its digest of the slice, which takes it no time.
func (f *forwarding) askForSign() {
	attempt := len(f.asked)
	at := f.asked[attempt-1]
	if f.failed == attempt || at.self {
		f.signs <- at.self && f.failed != attempt
		return
	}
	err := f.r.runDetached(func() {
		ctx, cancel := context.WithTimeout(f.ctx, f.r.HedgeAfter)
		defer cancel()
		defer context.AfterFunc(f.r.ctx, cancel)()
		said, err := f.r.Peers.Digest(ctx, at.addr, f.slice, "")
		f.signs <- answered(at.Store, said.From, err) == nil
	})
	if err != nil {
		f.signs <- false
	}
}

// opened is what came of one attempt.
type opened struct {
	io.Closer
	attempt int
	at      place
	err     error
}

func (f *forwarding) launch(at place) {
	ctx, cancel := context.WithCancel(f.ctx)
	f.cancels = append(f.cancels, cancel)
	attempt := len(f.asked)
	addr := at.addr
	if at.self {
		addr = ""
	}
	err := f.r.runDetached(func() {
		defer context.AfterFunc(f.r.ctx, cancel)()
		c, err := f.open(ctx, addr)
		f.results <- opened{c, attempt, at, err}
	})
	if err != nil {
		f.results <- opened{nil, attempt, at, err}
	}
}

// abandon ends every attempt but the one that won, which ends with ctx, and closes what they still open.
func (f *forwarding) abandon(done int) {
	for i, cancel := range f.cancels {
		if i+1 != f.won {
			cancel()
		}
	}
	rest := func() {
		for ; done < len(f.asked); done++ {
			if o := <-f.results; o.err == nil {
				o.Close()
			}
		}
	}
	if done < len(f.asked) && f.r.runDetached(rest) != nil {
		rest()
	}
}
