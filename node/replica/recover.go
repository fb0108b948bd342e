package replica

import (
	"context"
	"time"

	"flowring/flow"
	"flowring/internal/safeguard"
	"flowring/ring/roster"
)

// Recovering reports whether this store proves nothing yet. A store that starts cannot know whether its disk is the one it had, or
// an older image of it: then batches that it acknowledged are on W-1 stores only, and its word in a complete read would hide that
// (P9). It has recovered once all other stores of the roster but W-2 have made sure that what they hold is on W stores: each
// acknowledged batch is on W-1 stores besides this one, so one of those has it.
//
// A store that has lost its disk under the running process proves nothing either, until a restart.
func (r *Replicas) Recovering() bool { return r.Lost != nil && r.Lost() || r.old() }

// old reports whether the disk may be an older image of the one that this store had.
func (r *Replicas) old() bool { return !r.recovered.Load() && !r.Disabled.Has(safeguard.Recovery) }

// Recovered says that nothing can be missing: the store is new.
func (r *Replicas) Recovered() { r.recovered.Store(true) }

// recover asks all other stores to secure what they hold, if that was not done since the start.
func (r *Replicas) recover(ctx context.Context) {
	if !r.old() {
		return
	}
	self := r.Cluster.Self()
	if !r.counts(self) { // a store that does not count has acknowledged nothing under this ID, and is not believed anyway
		return
	}
	if r.scrubbing.Load() && time.Since(r.started) < r.StandInAfter { // a small journal is read by then
		return
	}
	if r.Store.AllUnreadable() > 0 { // not safe before other stores have made that good
		return
	}
	if r.unreachable() > r.Quorum-2 { // asked now, stores would put on others what those hold that are about to start, and prove nothing
		return
	}
	failed := r.everyOther(ctx, 10*r.CallWait, func(ctx context.Context, addr string) (roster.Store, func(), error) {
		from, err := r.Peers.Secure(ctx, addr)
		return from, func() {}, err
	})
	if len(failed) <= r.Quorum-2 {
		r.recovered.Store(true)
		r.Log.Info("store recovered", "journal_read", !r.scrubbing.Load())
	}
}

// doubtful reports whether this store counts as silent in reads of a slice: it recovers, or cannot read all that it holds of it.
func (r *Replicas) doubtful(s flow.Slice) bool {
	return r.Recovering() || r.Store.Unreadable(s) > 0
}

// Voice returns what this store says of a slice.
func (r *Replicas) Voice(s flow.Slice) (Voice, error) {
	d, err := r.Store.Digest(s)
	return Voice{r.Cluster.Self(), d, r.TakingOver(s), r.doubtful(s)}, err
}
