package rounds

import (
	"context"
	"sync"

	"flowring/flow"
)

// Rounds are the rounds of all slices. A reader brings a Wish, and all readers of a round get the same Result.
type Rounds[Wish, Result any] struct {
	start func(fn func()) error // runs fn in another goroutine, or fails and does not run it

	mu      sync.Mutex
	running map[flow.Slice]*round[Wish, Result]
	waiting map[flow.Slice]*round[Wish, Result] // starts when the running one ends
}

// round is one round of questions. Its result and err are set before done is closed.
type round[Wish, Result any] struct {
	begun  chan struct{}
	done   chan struct{}
	wishes []Wish // of its readers; does not change after begun is closed
	result *Result
	err    error
}

// New returns Rounds. start runs a function in another goroutine. An error of start is the result of the round.
func New[Wish, Result any](start func(fn func()) error) *Rounds[Wish, Result] {
	return &Rounds[Wish, Result]{
		start:   start,
		running: map[flow.Slice]*round[Wish, Result]{}, waiting: map[flow.Slice]*round[Wish, Result]{},
	}
}

// Join returns the result of a round of the slice, begun after the call, within ctx. The first reader of a round has
// it run by ask, which gets the wishes of all readers of the round.
func (r *Rounds[Wish, Result]) Join(
	ctx context.Context, s flow.Slice, wish Wish, ask func(wishes []Wish) (*Result, error),
) (*Result, error) {
	r.mu.Lock()
	mine, first := r.waiting[s], false
	if mine == nil {
		mine, first = &round[Wish, Result]{begun: make(chan struct{}), done: make(chan struct{})}, true
		r.waiting[s] = mine
	}
	mine.wishes = append(mine.wishes, wish)
	if first && r.running[s] == nil {
		r.begin(s)
	}
	r.mu.Unlock()
	if first {
		if err := r.start(func() { r.run(s, mine, ask) }); err != nil {
			r.run(s, mine, func([]Wish) (*Result, error) { return nil, err })
		}
	}
	select {
	case <-mine.done:
		return mine.result, mine.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// begin makes the waiting round the running one. r.mu is held.
func (r *Rounds[Wish, Result]) begin(s flow.Slice) {
	next := r.waiting[s]
	delete(r.waiting, s)
	if next == nil {
		delete(r.running, s)
		return
	}
	r.running[s] = next
	close(next.begun)
}

func (r *Rounds[Wish, Result]) run(s flow.Slice, mine *round[Wish, Result], ask func([]Wish) (*Result, error)) {
	<-mine.begun
	mine.result, mine.err = ask(mine.wishes)
	r.mu.Lock()
	r.begin(s)
	r.mu.Unlock()
	close(mine.done)
}
