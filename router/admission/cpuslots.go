package admission

import (
	"context"
	"runtime"
)

// CPUSlots bound the number of answers to GETs in computation. A channel of capacity n grants n slots; nil
// grants any number.
//
// An answer is computed in pieces of a fraction of a millisecond. It acquires a slot for each piece, and holds none
// while the piece is sent to the client. Therefore reads leave CPUs to writes, and a short answer does not wait for
// the end of a long one.
type CPUSlots chan struct{}

// NewCPUSlots returns n slots.
func NewCPUSlots(n int) CPUSlots { return make(CPUSlots, n) }

// DefaultCPUSlots is half of GOMAXPROCS, at least one. The other half is for writes.
func DefaultCPUSlots() int { return max(1, runtime.GOMAXPROCS(0)/2) }

// Acquire waits for a slot. The caller must not wait for anything else while it holds the slot.
func (s CPUSlots) Acquire() {
	if s != nil {
		s <- struct{}{}
	}
}

// AcquireWithin waits for a slot until ctx ends, and returns the cause of the end.
func (s CPUSlots) AcquireWithin(ctx context.Context) error {
	if s == nil {
		return context.Cause(ctx)
	}
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Release gives the slot back.
func (s CPUSlots) Release() {
	if s != nil {
		<-s
	}
}
