package replica

import (
	"context"
	"sync"
	"sync/atomic"
)

// workers run functions side by side, in goroutines that are kept for the next ones: the stack of a new goroutine has to grow on its
// way down into the journal, which would cost a small write as much as its fold.
type workers struct {
	ctx  context.Context // its end ends those that are idle
	wg   sync.WaitGroup
	work chan func() // to an idle one
	idle atomic.Int64
}

// maxIdle is how many goroutines are kept.
const maxIdle = 64

func newWorkers(ctx context.Context) *workers { return &workers{ctx: ctx, work: make(chan func())} }

// run runs fn, and does not wait for it.
func (w *workers) run(fn func()) {
	select {
	case w.work <- fn:
	default:
		w.wg.Go(func() { w.loop(fn) })
	}
}

func (w *workers) loop(fn func()) {
	for ok := true; ok; fn, ok = w.next() {
		fn()
	}
}

// next waits for work. It reports whether there is any more.
func (w *workers) next() (func(), bool) {
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
