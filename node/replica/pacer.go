package replica

import (
	"context"
	"time"
)

// pacer spreads work over time: after n bytes it waits as long as they may take. One goroutine uses it.
type pacer struct{ debt time.Duration }

// wait waits until n more bytes are due at a rate in bytes per second. Short debts are added up, for a timer is not worth them.
func (p *pacer) wait(ctx context.Context, n, rate int) error {
	p.debt += time.Duration(n) * time.Second / time.Duration(rate)
	if p.debt < 5*time.Millisecond {
		return nil
	}
	debt := p.debt
	p.debt = 0
	select {
	case <-time.After(debt):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
