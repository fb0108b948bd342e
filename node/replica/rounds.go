package replica

import (
	"context"
	"sync"

	"flowring/flow"
	"flowring/store/digest"
)

// rounds lets concurrent reads of a slice share one round of questions. A reader may use a round only if that began after the
// reader arrived: an earlier one may have asked a store before something was acknowledged there (P4).
type rounds struct {
	behind func(fn func()) bool // runs fn behind the request, and reports whether that may still be begun

	mu      sync.Mutex
	running map[flow.Slice]*round
	waiting map[flow.Slice]*round // begins when the running one ends
}

// round is one round of questions; found is set when done is closed.
type round struct {
	begun chan struct{}
	done  chan struct{}
	known []Known // by who waits for it; does not grow once it has begun
	found *finding
	err   error
}

// Known reports whether a reader has the flows of a slice already, as they are when it has the batches of a digest. nil: it has not.
type Known func(digest.Digest) bool

// knownToAll is a Known for all who wait for the round.
func (r *round) knownToAll(d digest.Digest) bool {
	for _, known := range r.known {
		if known == nil || !known(d) {
			return false
		}
	}
	return true
}

func (r *rounds) init(behind func(fn func()) bool) {
	r.behind = behind
	r.running, r.waiting = map[flow.Slice]*round{}, map[flow.Slice]*round{}
}

// join returns what a round found that begins after the call, running it with ask if nobody else does. Flows that are known to all
// who share the round may be left out of what it finds.
func (r *rounds) join(ctx context.Context, s flow.Slice, known Known, ask func(Known) (*finding, error)) (*finding, error) {
	r.mu.Lock()
	mine, first := r.waiting[s], false
	if mine == nil {
		mine, first = &round{begun: make(chan struct{}), done: make(chan struct{})}, true
		r.waiting[s] = mine
	}
	mine.known = append(mine.known, known)
	if first && r.running[s] == nil {
		r.begin(s)
	}
	r.mu.Unlock()
	if first && !r.behind(func() { r.run(s, mine, ask) }) {
		r.run(s, mine, func(Known) (*finding, error) { return nil, errStopped })
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

func (r *rounds) run(s flow.Slice, mine *round, ask func(Known) (*finding, error)) {
	<-mine.begun
	mine.found, mine.err = ask(mine.knownToAll)
	r.mu.Lock()
	r.begin(s)
	r.mu.Unlock()
	close(mine.done)
}
