package replica

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/ring/roster"
)

// Secure puts every batch held here on W established stores. With away set this store's own copy does not count: it is about to
// stop, or to leave for good (P10). It fails with an *contract.UnavailableError when too few stores can be reached.
//
// A store that started lately waits for a slice's replicas that it has not heard yet, and fails meanwhile: where all start at once it would
// put on others what those hold that it will hear in a moment.
func (r *Replicas) Secure(ctx context.Context, away bool) error {
	mine, err := r.Summary()
	if err != nil {
		return fmt.Errorf("own summary: %w", err)
	}
	theirs, _ := r.summaries(ctx)
	young := !away && time.Since(r.started) < r.StandInAfter
	silent := r.newSilences()
	var waitFor []string
	done := func() {}
	if away {
		r.secured.Store(0)
		r.toSecure.Store(int64(len(mine)))
		done = func() { r.secured.Add(1) }
	}
	for _, s := range slices.SortedFunc(maps.Keys(mine), flow.Slice.Compare) {
		if r.copies(s, mine[s], theirs, away) >= r.Quorum {
			done()
			continue
		}
		if young {
			if name := r.unheard(s, theirs); name != "" {
				waitFor = appendNew(waitFor, name)
				continue
			}
		}
		if err := r.secure(ctx, s, silent, away); err != nil {
			return err
		}
		done()
	}
	if len(waitFor) > 0 {
		return &contract.UnavailableError{Reason: "this store started lately and has not heard all others yet", Stores: waitFor}
	}
	return nil
}

// Secured returns how far the last Secure away from here is, or how far it came: slices on enough other stores, of all that are held.
func (r *Replicas) Secured() (secured, all int) { return int(r.secured.Load()), int(r.toSecure.Load()) }

// unheard returns the name of one of the slice's R replicas that is neither this store nor among those heard; "" if there is none.
func (r *Replicas) unheard(s flow.Slice, heard map[roster.StoreID]summary) string {
	roster, owners := r.Cluster.Roster(), r.Cluster.Ring().Candidates(s)
	for _, name := range owners[:min(r.Copies, len(owners))] {
		if st, ok := r.storeOf(roster, name); ok && st.ID != r.Cluster.Self().ID && heard[st.ID].addr == "" {
			return name
		}
	}
	return ""
}

// copies returns how many established stores hold exactly what this one does of a slice.
func (r *Replicas) copies(s flow.Slice, sum [16]byte, theirs map[roster.StoreID]summary, away bool) int {
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

func (r *Replicas) secure(ctx context.Context, s flow.Slice, silent *silences, away bool) error {
	h := r.newHearing(s, silent)
	h.away = away
	if err := h.askAll(ctx); err != nil {
		return err
	}
	held := h.held[h.self.ID].Digest
	h.push(ctx, held)
	if h.under(held).Empty() {
		return nil
	}
	return &contract.UnavailableError{
		Reason: fmt.Sprintf("hour %s could not be put on %d other stores", s, r.Quorum),
		Stores: h.silent(), Err: context.Cause(ctx),
	}
}

func (r *Replicas) newHearing(s flow.Slice, silent *silences) *hearing {
	return &hearing{r: r, slice: s, silences: silent, held: map[roster.StoreID]*voice{}, asked: map[roster.StoreID]bool{}}
}

// ConfirmReplica returns nil if this store is one of the slice's R replicas by a roster of the given hash, and that is its own.
func (r *Replicas) ConfirmReplica(s flow.Slice, roster string) error {
	before := r.Cluster.Roster()
	replica := r.replica(r.Cluster.Ring(), s, r.Cluster.Self().Name)
	if !replica || before.Hash() != roster || !r.Cluster.Roster().Equal(before) { // equal: the ring was that roster's
		return fmt.Errorf("this store is no replica of hour %s by roster %s", s, roster)
	}
	return nil
}
