package replica

import (
	"context"
	"io"
	"time"

	"flowring/flow"
)

// opener opens a slice at a store: at addr, or here when addr is "".
type opener func(ctx context.Context, addr string) (io.Closer, error)

// Forward opens a slice at the first store of its list that answers: the owner, or where it fails or is slow the next one. What
// loses the race is closed. The result lives as long as ctx.
func (r *Replicas) Forward(ctx context.Context, s flow.Slice, open opener) (io.Closer, error) {
	places := r.places(s)
	fail := &UnavailableError{Reason: "no store of the hour answered"}
	if len(places.owners) == 0 {
		fail.Reason = "the cluster has no established store yet"
	}
	f := &forwarding{r: r, ctx: ctx, open: open, results: make(chan opened, len(places.owners))}
	f.queue = queue{places: places, launch: f.launch}
	done := 0
	r.hedges.earn()
	defer func() { f.abandon(done) }()
	slow := time.NewTimer(r.DigestWait + r.HedgeAfter) // longer than the owner waits for a silent store
	defer slow.Stop()
	for done < len(f.asked) || f.next() {
		select {
		case o := <-f.results:
			done++
			if o.err == nil {
				f.won = o.attempt
				return o.Closer, nil
			}
			fail.add(o.at, o.err)
		case <-slow.C:
			if r.hedges.spend() { // where all hours are large, all being slow, every copy would read each
				f.next()
			}
			slow.Reset(r.DigestWait + r.HedgeAfter)
		case <-ctx.Done():
			fail.Err = context.Cause(ctx)
			return nil, fail
		}
	}
	return nil, fail
}

// forwarding is the attempts of one Forward. Stop ends those under way, and waits for them.
type forwarding struct {
	queue
	r       *Replicas
	ctx     context.Context
	open    opener
	results chan opened
	cancels []context.CancelFunc // by attempt
	won     int                  // the attempt that goes on, counted from 1; 0: none
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
	if !f.r.behind(func() {
		defer context.AfterFunc(f.r.ctx, cancel)()
		c, err := f.open(ctx, addr)
		f.results <- opened{c, attempt, at, err}
	}) {
		f.results <- opened{nil, attempt, at, errStopped}
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
	if done < len(f.asked) && !f.r.behind(rest) {
		rest()
	}
}
