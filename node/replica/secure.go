package replica

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/ring/roster"
)

// Secure puts every batch of this store on W established stores. If away is set, this store is about to stop or to
// leave for good, and its own copies do not count (P10). Secure fails with a *contract.UnavailableError if too few
// stores can be reached.
//
// For 10 s after its start, a store does not secure a slice with an unheard replica, and fails instead. When all nodes
// start together, it would otherwise copy batches to other nodes, because the replicas that already have them have not
// answered yet.
func (r *Replicas) Secure(ctx context.Context, away bool) error {
	mine, err := r.Summary()
	if err != nil {
		return fmt.Errorf("own summary: %w", err)
	}
	theirs, _ := r.summaries(ctx)
	startedLately := !away && time.Since(r.started) < r.StandInAfter
	skip := r.newSilentStores()
	unheard := &contract.UnavailableError{Reason: "this store started lately and has not heard all others yet"}
	done := func() {}
	if away {
		r.secured.Store(0)
		r.toSecure.Store(int64(len(mine)))
		done = func() { r.secured.Add(1) }
	}
	for _, s := range slices.SortedFunc(maps.Keys(mine), flow.Slice.Compare) {
		if r.countCopies(s, mine[s], theirs, away) >= r.Quorum {
			done()
			continue
		}
		if startedLately {
			if name := r.unheardReplica(s, theirs); name != "" {
				unheard.AddStores(name)
				continue
			}
		}
		if err := r.secureSlice(ctx, s, skip, away); err != nil && !errors.Is(err, contract.Expired) {
			return err
		}
		done()
	}
	if len(unheard.Stores) > 0 {
		return unheard
	}
	return nil
}

// Secured returns the progress of the last Secure with away: the slices on enough other stores, and all slices.
func (r *Replicas) Secured() (secured, all int) { return int(r.secured.Load()), int(r.toSecure.Load()) }

// unheardReplica returns the name of a replica of the slice without an answer; "" if there is none.
func (r *Replicas) unheardReplica(s flow.Slice, heard map[roster.StoreID]summary) string {
	roster, names := r.Cluster.Roster(), r.Cluster.Ring().Candidates(s)
	for _, name := range names[:min(r.Copies, len(names))] {
		if st, ok := r.finder.StoreOf(roster, name); ok && st.ID != r.Cluster.Self().ID && heard[st.ID].addr == "" {
			return name
		}
	}
	return ""
}

// countCopies returns the number of established stores with exactly the batches of this store.
func (r *Replicas) countCopies(s flow.Slice, sum [16]byte, theirs map[roster.StoreID]summary, away bool) int {
	n := 0
	if !away && r.counts(r.Cluster.Self()) {
		n++
	}
	for _, other := range theirs {
		if other.sums[s] == sum && r.counts(other.from) {
			n++
		}
	}
	return n
}

func (r *Replicas) secureSlice(ctx context.Context, s flow.Slice, skip *silentStores, away bool) error {
	p := r.newPoll(s, skip)
	p.ExcludeSelf = away
	if err := p.askAll(ctx); err != nil {
		return err
	}
	own := p.own().Digest
	p.push(ctx, own)
	if p.UnderReplicated(own).Empty() {
		return nil
	}
	return &contract.UnavailableError{
		Reason: fmt.Sprintf("hour %d could not be put on %d other stores", s.Hour, r.Quorum),
		Stores: p.Silent(), Err: context.Cause(ctx),
	}
}

// ConfirmReplica returns nil if this store is one of the R replicas of the slice by its roster, and its roster has the
// given hash.
func (r *Replicas) ConfirmReplica(s flow.Slice, roster string) error {
	before := r.Cluster.Roster()
	replica := r.isReplica(r.Cluster.Ring(), s, r.Cluster.Self().Name)
	// The roster is loaded twice: if both are equal, the ring was of that roster.
	if !replica || before.Hash() != roster || !r.Cluster.Roster().Equal(before) {
		return fmt.Errorf("this store is no replica of slice %s by roster %s", s, roster)
	}
	return nil
}
