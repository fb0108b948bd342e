package replica

import (
	"context"
	"time"

	"flowring/flow"
	"flowring/internal/safeguard"
	"flowring/ring/roster"
)

// Recovering reports whether this store proves nothing yet. At its start a store cannot know whether its disk is an
// older image. If it is, the store's acknowledged batches are on W-1 other stores only, and its answer in a complete
// read would hide the loss (P9). The store has recovered once all other stores of the roster except W-2 have put their
// batches on W stores: each acknowledged batch is on W-1 other stores, so one of those has it.
//
// A store whose disk was lost under the running process proves nothing until a restart either. And no store proves
// anything while the proven quorum is not W.
func (r *Replicas) Recovering() bool {
	return r.DiskLost != nil && r.DiskLost() || r.MayBeOld() || !r.rule.Proves()
}

// MayBeOld reports whether the disk may be an older image.
func (r *Replicas) MayBeOld() bool { return !r.recovered.Load() && !r.Disabled.Has(safeguard.Recovery) }

// MarkRecovered ends the recovery: no batch can be missing, because the store is new.
func (r *Replicas) MarkRecovered() { r.recovered.Store(true) }

// recover asks all other stores to secure their batches, unless they have done so since the start.
func (r *Replicas) recover(ctx context.Context) {
	if !r.MayBeOld() {
		return
	}
	self := r.Cluster.Self()
	if !r.counts(self) { // such a store has acknowledged nothing under this ID, and its answers do not count anyway
		return
	}
	if r.reading() && time.Since(r.started) < r.StandInAfter { // a small journal is read by then
		return
	}
	if r.Store.AllUnreadable() > 0 { // other stores must make the damage good first
		return
	}
	// Asked too early, stores would copy the batches of others that are about to start, and prove nothing.
	if r.countUnreachable() > r.Quorum-2 {
		return
	}
	failed := r.callOthers(ctx, 10*r.CallWait, func(ctx context.Context, addr string) (roster.Store, func(), error) {
		from, err := r.Peers.Secure(ctx, addr)
		return from, func() {}, err
	})
	if len(failed) <= r.Quorum-2 {
		r.recovered.Store(true)
		r.Log.Info("store recovered", "journal_read", !r.reading())
	}
}

// isDoubtful reports whether this store counts as silent in reads of a slice: it recovers, or it cannot read some of
// its batches.
func (r *Replicas) isDoubtful(s flow.Slice) bool {
	return r.Recovering() || r.Store.Unreadable(s) > 0 && !r.Disabled.Has(safeguard.Unreadable)
}
