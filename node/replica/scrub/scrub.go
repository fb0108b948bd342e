package scrub

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"flowring/flow"
	"flowring/node/replica/pace"
	"flowring/store/damage"
	"flowring/store/outline"
)

// parts is the part of a core that a later pass takes: one in so many.
const parts = 100

// Store has the slices. Package store documents its methods.
type Store interface {
	Slices() []flow.Slice
	Scrub(s flow.Slice) (bytes int, err error)
	Unreadable(s flow.Slice) uint64
	AllUnreadable() uint64
}

// Deps are the collaborators of a Scrubber.
type Deps struct {
	Store  Store
	Period time.Duration // of a pass, but the first; 0: there is only the first
	Rate   int           // bytes per second of the first pass
	Log    *slog.Logger
	Wake   func()      // wakes repair, which fetches unreadable batches
	Fail   func(error) // gets damage that no other store can make good; nil: it is logged
}

// Scrubber makes passes over the journal of a store.
type Scrubber struct {
	Deps
	first                             atomic.Bool
	checked, slices                   atomic.Int64
	passes, bytes, damaged, differing atomic.Uint64
}

// Expect says that the first pass is to come. Run, in another goroutine, makes it.
func (s *Scrubber) Expect() { s.first.Store(true) }

// First reports whether the first pass is to come or under way.
func (s *Scrubber) First() bool { return s.first.Load() }

// Stats are the figures of the passes since the start.
type Stats struct {
	Checked, Slices int64  // of the pass under way, or of the last one
	Passes, Bytes   uint64 // Passes counts the passes that read everything
	Damaged         uint64 // slices in which a pass found unreadable batches
	Differing       uint64 // slices whose totals were not the fold of their batches
}

// Stats returns the figures of the passes.
func (s *Scrubber) Stats() Stats {
	return Stats{
		Checked: s.checked.Load(), Slices: s.slices.Load(), Passes: s.passes.Load(), Bytes: s.bytes.Load(),
		Damaged: s.damaged.Load(), Differing: s.differing.Load(),
	}
}

// Run makes passes until ctx ends.
func (s *Scrubber) Run(ctx context.Context) {
	var pacer pace.Pacer
	s.pass(s.Store.Slices(), func() {}, func(bytes int) error { return pacer.Wait(ctx, bytes, s.Rate) })
	s.first.Store(false)
	s.Wake() // recovery waits for the first pass
	for ctx.Err() == nil && s.Period > 0 {
		all := s.Store.Slices()
		share := pace.Share{Parts: parts, Period: s.Period, N: len(all)}
		if len(all) == 0 {
			share.N = parts // a new store looks again soon
			share.Begin()
			_ = share.Rest(ctx) // the loop looks at ctx
			continue
		}
		s.pass(all, share.Begin, func(int) error { return share.Rest(ctx) })
	}
}

// pass makes one pass, and calls rest after each slice with the number of bytes read.
func (s *Scrubber) pass(all []flow.Slice, begin func(), rest func(bytes int) error) {
	began, whole := time.Now(), true
	s.checked.Store(0)
	s.slices.Store(int64(len(all)))
	for _, slice := range all {
		begin()
		n, err := s.Store.Scrub(slice)
		s.bytes.Add(uint64(n))
		whole = s.judge(slice, err) && whole
		if rest(n) != nil || errors.Is(err, damage.ErrUnreadable) && s.Fail != nil {
			return
		}
		s.checked.Add(1)
	}
	if whole {
		s.passes.Add(1)
		s.Log.Info("journal read through", "slices", len(all), "took", time.Since(began).Round(time.Second),
			"unreadable", s.Store.AllUnreadable())
	}
}

// judge acts on the scrub of a slice, and reports whether all of the slice was read.
func (s *Scrubber) judge(slice flow.Slice, err error) (whole bool) {
	if s.Store.Unreadable(slice) > 0 {
		s.damaged.Add(1)
		s.Wake()
	}
	switch {
	case errors.Is(err, damage.ErrUnreadable) && s.Fail != nil:
		s.Fail(err)
	case errors.Is(err, outline.ErrDiverged):
		s.differing.Add(1)
		s.Log.Error("totals were not the sum of the batches", "slice", slice, "error", err)
		return true
	case err != nil:
		s.Log.Debug("scrub", "slice", slice, "error", err)
	}
	return err == nil
}
