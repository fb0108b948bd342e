package load

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"flowring/flow"
)

// GetFunc reads an hour to its end.
type GetFunc func(ctx context.Context, hour flow.Hour) (bytes int64, err error)

// Readers read hours during a run. Each reader reads one hour after the other, at most one hour in a period.
type Readers struct {
	Get    GetFunc
	Number int
	Every  time.Duration // 0: as fast as answers come
	Newest flow.Hour
	Hours  int

	Latency       Histogram // until the end of the answer
	Bytes, Failed atomic.Int64
	next          atomic.Int64
	first         error
	once          sync.Once
}

// Run reads until ctx ends.
func (r *Readers) Run(ctx context.Context) {
	var all sync.WaitGroup
	for range r.Number {
		all.Go(func() { r.read(ctx) })
	}
	all.Wait()
}

func (r *Readers) read(ctx context.Context) {
	for ctx.Err() == nil {
		start := time.Now()
		n, err := r.Get(ctx, r.Newest-flow.Hour((r.next.Add(1)-1)%int64(r.Hours)))
		switch {
		case err == nil:
			r.Latency.Add(time.Since(start))
		case ctx.Err() != nil: // the end of the run interrupted the read
			return
		default:
			r.Failed.Add(1)
			r.once.Do(func() { r.first = err })
		}
		r.Bytes.Add(n)
		pause(ctx, r.Every-time.Since(start))
	}
}

// FirstError returns the error of the first read that failed, once Run has returned.
func (r *Readers) FirstError() error { return r.first }

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
