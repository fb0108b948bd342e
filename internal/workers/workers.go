// Package workers runs functions side by side, in goroutines that are kept for the next ones: the stack of a new goroutine has to grow
// on its way down into the journal, which would cost a small write as much as its fold.
package workers

import (
	"context"
	"sync"
	"sync/atomic"
)

// Workers are the goroutines. All methods are safe for concurrent use; New starts none.
type Workers struct {
	ctx  context.Context // its end ends those that are idle
	wg   sync.WaitGroup
	work chan func() // to an idle one
	idle atomic.Int64
}

// maxIdle is how many goroutines are kept.
const maxIdle = 64

// New returns workers of which the idle ones end with ctx. Whoever ends it calls Wait.
func New(ctx context.Context) *Workers { return &Workers{ctx: ctx, work: make(chan func())} }

// Run runs fn, and does not wait for it. It must not be called once Wait may have begun.
func (w *Workers) Run(fn func()) {
	select {
	case w.work <- fn:
	default:
		w.wg.Go(func() { w.loop(fn) })
	}
}

// Wait waits for what runs, and for the idle ones to end, which needs the end of their context.
func (w *Workers) Wait() { w.wg.Wait() }

func (w *Workers) loop(fn func()) {
	for ok := true; ok; fn, ok = w.next() {
		fn()
	}
}

// next waits for work. It reports whether there is any more.
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
