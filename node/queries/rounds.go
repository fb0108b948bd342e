package queries

import (
	"context"
	"sync"

	"flowring/flow"
	"flowring/node/replica"
)

// maxRounds is the number of rounds of one query that a store makes at once.
const maxRounds = 16

// rounds are the rounds of a store for the slices of a query that are not settled. Each is the round of a GET.
type rounds struct {
	ctx      context.Context
	cancel   context.CancelFunc
	replicas *replica.Replicas
	slots    chan struct{}
	results  chan *round
	wg       sync.WaitGroup
	started  int
}

// round is the result of one round.
type round struct {
	index   int
	slice   flow.Slice
	reading *replica.Reading
	err     error
}

func newRounds(ctx context.Context, r *replica.Replicas) *rounds {
	ctx, cancel := context.WithCancel(ctx)
	return &rounds{ctx: ctx, cancel: cancel, replicas: r, slots: make(chan struct{}, maxRounds),
		results: make(chan *round)}
}

// start starts the round of a slice.
func (r *rounds) start(index int, slice flow.Slice) {
	r.started++
	r.wg.Go(func() {
		select {
		case r.slots <- struct{}{}:
		case <-r.ctx.Done():
			return
		}
		defer func() { <-r.slots }() // it bounds the readings in memory, too
		reading, err := r.replicas.Read(r.ctx, slice, nil)
		select {
		case r.results <- &round{index, slice, reading, err}:
		case <-r.ctx.Done():
		}
	})
}

// next returns the result of the next round.
func (r *rounds) next() (*round, error) {
	select {
	case result := <-r.results:
		return result, result.err
	case <-r.ctx.Done():
		return nil, context.Cause(r.ctx)
	}
}

// stop ends the rounds, and waits until no goroutine is left.
func (r *rounds) stop() {
	r.cancel()
	r.wg.Wait()
}
