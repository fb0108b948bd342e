package queries

import (
	"context"
	"time"
)

// work is a piece of the work of a query, in a CPU slot.
type work struct {
	a       *Answer
	begun   time.Time
	applied uint64 // batches that the store had applied before
}

// begin begins a piece of work. The caller ends it.
func (a *Answer) begin() (*work, error) {
	if err := a.q.CPUSlots.AcquireWithin(a.ctx); err != nil {
		return nil, err
	}
	return &work{a, time.Now(), a.q.Store.Applied()}, nil
}

// end ends the work, and rests without a CPU slot if batches were written meanwhile. It fails if the query ends. A nil
// work did not begin.
func (w *work) end() error {
	if w == nil {
		return nil
	}
	w.a.q.CPUSlots.Release()
	pause := rest(time.Since(w.begun), w.a.q.Store.Applied()-w.applied)
	if pause == 0 {
		return nil
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-w.a.ctx.Done():
		return context.Cause(w.a.ctx)
	}
}

// Writes go first: a query that works for 10 ms while 10 batches are written leaves the next 40 ms to the writes.
const (
	restPerBatch = 4 * time.Millisecond
	mostRest     = 4 // in ratio to the work
)

// rest returns the pause of a query after some work, during which batches were written.
func rest(worked time.Duration, batches uint64) time.Duration {
	most := mostRest * worked
	if batches >= uint64(most/restPerBatch)+1 {
		return most
	}
	return time.Duration(batches) * restPerBatch
}
