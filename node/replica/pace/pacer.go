package pace

import (
	"context"
	"sync"
	"time"
)

// Pacer spreads bytes over time. The zero value is ready for use.
type Pacer struct {
	mu  sync.Mutex
	due time.Time // when all bytes so far may have passed
}

// minWait is the shortest wait of a Pacer. Shorter waits add up, because a timer costs more.
const minWait = 5 * time.Millisecond

// Wait counts n more bytes and waits until they are due, at a rate in bytes per second, or until ctx ends.
func (p *Pacer) Wait(ctx context.Context, n, rate int) error {
	wait := p.add(time.Duration(n) * time.Second / time.Duration(rate))
	if wait < minWait {
		return nil
	}
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// add adds work of a duration and returns the time until it is due.
func (p *Pacer) add(work time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.due.Before(now) {
		p.due = now
	}
	p.due = p.due.Add(work)
	return p.due.Sub(now)
}
