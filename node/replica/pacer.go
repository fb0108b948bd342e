package replica

import (
	"context"
	"sync"
	"time"
)

// pacer spreads work over time: n bytes are followed by a wait that is as long as they may take. Goroutines that use one pacer share
// its rate.
type pacer struct {
	mu  sync.Mutex
	due time.Time // when all bytes so far may have passed
}

// wait waits until n more bytes are due at a rate in bytes per second. Short waits are added up, because a timer costs more.
func (p *pacer) wait(ctx context.Context, n, rate int) error {
	wait := p.add(time.Duration(n) * time.Second / time.Duration(rate))
	if wait < 5*time.Millisecond {
		return nil
	}
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// add returns how long it takes until work of the given length is due.
func (p *pacer) add(work time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.due.Before(now) {
		p.due = now
	}
	p.due = p.due.Add(work)
	return p.due.Sub(now)
}
