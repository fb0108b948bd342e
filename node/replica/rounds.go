package replica

import (
	"context"
	"sync"

	"flowring/flow"
)

// rounds lets concurrent reads of a slice share one round of questions. A reader may use a round only if that began after the
// reader arrived: an earlier one may have asked a store before something was acknowledged there (P4).
type rounds struct {
	mu      sync.Mutex
	running map[flow.Slice]*round
	waiting map[flow.Slice]*round // begins when the running one ends
}

// round is one round of questions; found is set when done is closed.
type round struct {
	begun chan struct{}
	done  chan struct{}
	found *finding
	err   error
}

func (r *rounds) init() {
	r.running, r.waiting = map[flow.Slice]*round{}, map[flow.Slice]*round{}
}

// join returns what a round found that begins after the call, running it with ask if nobody else does.
func (r *rounds) join(ctx context.Context, s flow.Slice, ask func() (*finding, error)) (*finding, error) {
	r.mu.Lock()
	mine, first := r.waiting[s], false
	if mine == nil {
		mine, first = &round{begun: make(chan struct{}), done: make(chan struct{})}, true
		r.waiting[s] = mine
		if r.running[s] == nil {
			r.begin(s)
		}
	}
	r.mu.Unlock()
	if first {
		go r.run(s, mine, ask)
	}
	select {
	case <-mine.done:
		return mine.found, mine.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// begin makes the waiting round the running one. r.mu is held.
func (r *rounds) begin(s flow.Slice) {
	next := r.waiting[s]
	delete(r.waiting, s)
	if next == nil {
		delete(r.running, s)
		return
	}
	r.running[s] = next
	close(next.begun)
}

func (r *rounds) run(s flow.Slice, mine *round, ask func() (*finding, error)) {
	<-mine.begun
	mine.found, mine.err = ask()
	r.mu.Lock()
	r.begin(s)
	r.mu.Unlock()
	close(mine.done)
}
