package replica

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"flowring/flow"
	"flowring/internal/safeguard"
	"flowring/ring"
	"flowring/ring/roster"
	"flowring/store/digest"
)

// counters are what this part did, for the metrics.
type counters struct {
	fetched atomic.Int64 // batches fetched from other stores
	dropped atomic.Int64 // slices handed over
}

// Fetched returns how many batches were fetched from other stores.
func (r *Replicas) Fetched() int64 { return r.metrics.fetched.Load() }

// HandedOver returns how many slices were dropped here once their replicas held them.
func (r *Replicas) HandedOver() int64 { return r.metrics.dropped.Load() }

// handOver drops the slices of which this store is no replica, each once its R replicas hold all of it.
func (r *Replicas) handOver(ctx context.Context, on *ring.Ring, mine map[flow.Slice][16]byte) {
	silent := r.newSilences()
	for _, s := range slices.SortedFunc(maps.Keys(mine), flow.Slice.Compare) {
		if ctx.Err() != nil || r.replica(on, s, r.Cluster.Self().Name) {
			continue
		}
		dropped, err := r.drop(ctx, on, s, silent)
		if err != nil {
			r.Log.Debug("hand over", "slice", s, "error", err)
		}
		if dropped {
			delete(r.repair.confirmed, s)
			r.metrics.dropped.Add(1)
		}
	}
}

// drop removes a slice here if each of its R replicas, by the very roster that this store has, confirms that it holds all of it as
// a replica, and the roster has not changed since they were asked. Else two stores with different rosters could each drop their
// copy on the strength of the other's.
//
// They must have confirmed the same a while ago: a read that asked a replica before that had all, and asks this store after it
// dropped its copy, would miss what moved in between (P4). A round of questions lasts CallWait at most.
func (r *Replicas) drop(ctx context.Context, on *ring.Ring, s flow.Slice, silent *silences) (bool, error) {
	held, err := r.Store.Digest(s)
	if err != nil {
		return false, err
	}
	roster := r.Cluster.Roster() // before the ring, which then is of this roster or a later one; and that it is not is found below
	if r.Cluster.Ring().Version() != on.Version() {
		return false, fmt.Errorf("the roster changed")
	}
	owners := on.Candidates(s)
	if len(owners) < r.Copies {
		return false, fmt.Errorf("%d of %d replicas exist", len(owners), r.Copies)
	}
	for _, name := range owners[:r.Copies] {
		if err := r.confirm(ctx, roster, s, name, held, silent); err != nil {
			return false, err
		}
	}
	if r.Cluster.Roster().Hash() != roster.Hash() {
		return false, fmt.Errorf("the roster changed")
	}
	if !r.confirmedBefore(s, confirmation{sum: held.Sum(), roster: roster.Hash()}) {
		return false, fmt.Errorf("confirmed: reads that began before that must end first")
	}
	return r.Store.Drop(s, held)
}

// confirmation is what the replicas of a slice have confirmed to hold, and by which roster.
type confirmation struct {
	sum    [16]byte
	roster string
	at     time.Time // since when
}

// confirmedBefore reports whether the replicas confirmed the same DropAfter ago, and notes it otherwise.
func (r *Replicas) confirmedBefore(s flow.Slice, now confirmation) bool {
	if r.Disabled.Has(safeguard.ConfirmDrop) || r.Disabled.Has(safeguard.DropLate) {
		return true
	}
	old, ok := r.repair.confirmed[s]
	if ok && old.sum == now.sum && old.roster == now.roster {
		return time.Since(old.at) >= r.DropAfter
	}
	now.at = time.Now()
	r.repair.confirmed[s] = now
	return false
}

// confirm asks the replica called name whether it holds all of held, as a replica by that very roster.
func (r *Replicas) confirm(ctx context.Context, roster roster.Roster, s flow.Slice, name string, held digest.Digest, silent *silences) error {
	if r.Disabled.Has(safeguard.ConfirmDrop) {
		return nil
	}
	st, ok := r.storeOf(roster, name)
	if !ok {
		return fmt.Errorf("%s has no store", name)
	}
	if silent.has(st.ID) {
		return fmt.Errorf("%s was silent in this pass", name)
	}
	ctx, cancel := context.WithTimeout(ctx, r.CallWait)
	defer cancel()
	said, err := r.Peers.Digest(ctx, r.Cluster.Addr(st.ID), s, roster.Hash())
	switch {
	case err != nil:
		silent.note(st.ID, err)
		return err
	case said.From.ID != st.ID || !r.counts(said.From):
		return fmt.Errorf("%s answers with a store that does not count", name)
	case said.Digest.Lacks(held):
		return fmt.Errorf("%s does not hold all of it yet", name)
	}
	return nil
}
