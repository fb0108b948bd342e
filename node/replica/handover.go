package replica

import (
	"context"
	"errors"
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

// counters are the totals of this package's work, for the metrics.
type counters struct {
	fetched    atomic.Int64 // batches fetched from other stores
	handedOver atomic.Int64 // slices dropped here
}

// Fetched returns the number of batches fetched from other stores.
func (r *Replicas) Fetched() int64 { return r.metrics.fetched.Load() }

// HandedOver returns the number of slices dropped here because their replicas held them.
func (r *Replicas) HandedOver() int64 { return r.metrics.handedOver.Load() }

// handOver drops the slices of which this store is not a replica, each if its R replicas hold all of its batches.
func (r *Replicas) handOver(ctx context.Context, on *ring.Ring, mine map[flow.Slice][16]byte) {
	skip := r.newSilentStores()
	for _, s := range slices.SortedFunc(maps.Keys(mine), flow.Slice.Compare) {
		if ctx.Err() != nil || r.isReplica(on, s, r.Cluster.Self().Name) {
			continue
		}
		dropped, err := r.drop(ctx, on, s, skip)
		if err != nil {
			r.Log.Debug("hand over", "slice", s, "error", err)
		}
		if dropped {
			delete(r.repair.confirmed, s)
			r.metrics.handedOver.Add(1)
		}
	}
}

var errRosterChanged = errors.New("the roster changed")

// drop removes this store's copy of a slice if each of the R replicas confirms to hold all of the copy's batches, as a
// replica by the same roster as this store's, and the roster has not changed since then. Without the condition two
// stores with different rosters could each drop their copy because the other one has it.
//
// The replicas must have confirmed the same for DropAfter. A read may ask a replica before it has taken over the
// batches, and this store after the drop; it would then miss the batches (P4). DropAfter is longer than a round of
// questions.
func (r *Replicas) drop(ctx context.Context, on *ring.Ring, s flow.Slice, skip *silentStores) (bool, error) {
	own, err := r.Store.Digest(s)
	if err != nil {
		return false, err
	}
	// Load the roster before the ring. If the roster changes in between, the comparison of hashes below detects it.
	roster := r.Cluster.Roster()
	if r.Cluster.Ring().Version() != on.Version() {
		return false, errRosterChanged
	}
	names := on.Candidates(s)
	if len(names) < r.Copies {
		return false, fmt.Errorf("%d of %d replicas exist", len(names), r.Copies)
	}
	for _, name := range names[:r.Copies] {
		if err := r.confirm(ctx, roster, s, name, own, skip); err != nil {
			return false, err
		}
	}
	if r.Cluster.Roster().Hash() != roster.Hash() {
		return false, errRosterChanged
	}
	if !r.confirmedBefore(s, confirmation{sum: own.Sum(), roster: roster.Hash()}) {
		return false, errors.New("confirmed: reads that began before that must end first")
	}
	return r.Store.Drop(s, own)
}

// confirm asks a replica whether it holds all batches of own, as a replica by the given roster.
func (r *Replicas) confirm(
	ctx context.Context, roster roster.Roster, s flow.Slice, name string, own digest.Digest, skip *silentStores,
) error {
	if r.Disabled.Has(safeguard.ConfirmDrop) {
		return nil
	}
	st, ok := r.finder.StoreOf(roster, name)
	if !ok {
		return fmt.Errorf("%s has no store", name)
	}
	if skip.has(st.ID) {
		return fmt.Errorf("%s was silent in this pass", name)
	}
	ctx, cancel := context.WithTimeout(ctx, r.CallWait)
	defer cancel()
	answer, err := r.Peers.Digest(ctx, r.Cluster.Addr(st.ID), s, roster.Hash())
	switch {
	case err != nil:
		skip.note(st.ID, err)
		return err
	case answer.From.ID != st.ID || !r.counts(answer.From):
		return fmt.Errorf("%s answers with a store that does not count", name)
	case answer.Digest.Lacks(own):
		return fmt.Errorf("%s does not hold all of it yet", name)
	}
	return nil
}

// confirmation is a digest confirmed by the replicas of a slice, and their roster.
type confirmation struct {
	sum    [16]byte
	roster string
	since  time.Time
}

// confirmedBefore reports whether the replicas confirmed the same DropAfter ago. A new confirmation starts the time.
func (r *Replicas) confirmedBefore(s flow.Slice, now confirmation) bool {
	if r.Disabled.Has(safeguard.ConfirmDrop) || r.Disabled.Has(safeguard.DropLate) {
		return true
	}
	old, ok := r.repair.confirmed[s]
	if ok && old.sum == now.sum && old.roster == now.roster {
		return time.Since(old.since) >= r.DropAfter
	}
	now.since = time.Now()
	r.repair.confirmed[s] = now
	return false
}
