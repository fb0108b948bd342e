// Package workers runs functions concurrently, in goroutines kept for reuse. The stack of a new goroutine has to grow
// on its way down into the journal, and for a small write this growth costs as much as the fold of its flows.
package workers

import (
	"context"
	"sync"
	"sync/atomic"
)

// Workers runs functions. It is safe for concurrent use. A goroutine starts only when no idle one takes a function.
type Workers struct {
	ctx  context.Context // its end ends the idle goroutines
	wg   sync.WaitGroup
	work chan func()  // to an idle goroutine
	idle atomic.Int64 // goroutines
}

// maxIdle bounds the goroutines kept for reuse.
const maxIdle = 64

// New returns workers without goroutines. The idle goroutines end with ctx. The code that ends ctx calls Wait.
func New(ctx context.Context) *Workers { return &Workers{ctx: ctx, work: make(chan func())} }

// Run runs fn and does not wait for it. No call of Run may follow a call of Wait.
func (w *Workers) Run(fn func()) {
	select {
	case w.work <- fn:
	default:
		w.wg.Go(func() { w.loop(fn) })
	}
}

// Wait waits for the running functions, and for the end of the idle goroutines. The caller has ended their context.
func (w *Workers) Wait() { w.wg.Wait() }

func (w *Workers) loop(fn func()) {
	for ok := true; ok; fn, ok = w.next() {
		fn()
	}
}

// next waits for the next function. It reports false if the goroutine must end.
func (w *Workers) next() (func(), bool) {
	defer w.idle.Add(-1)
	if w.idle.Add(1) > maxIdle {
		return nil, false
	}
	select {
	case fn := <-w.work:
		return fn, true
	case <-w.ctx.Done():
		return nil, false
	}
}
