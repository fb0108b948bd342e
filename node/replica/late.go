package replica

import (
	"context"
	"errors"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/node/replica/late"
	"flowring/ring/roster"
)

// checkClosed is the owner's check of closed hours: it refuses the first batch of one that this store does not hold.
// The node asked then looks for the request at all stores.
func (r *Replicas) checkClosed(batches []flow.Written) error {
	for _, b := range batches {
		refusal := late.Refusal(r.Cluster.Roster(), b.Slice.Hour)
		if refusal == nil {
			continue
		}
		held, err := r.Store.Holds(b)
		switch {
		case err != nil:
			return err
		case !held || r.Disabled.Has(safeguard.KeyFirst):
			return refusal
		}
	}
	return nil
}

// look asks one store about a request, with the identities of its batches alone.
func (r *Replicas) look(ctx context.Context, st roster.Store, round late.Round, batches []flow.Written) (bool, error) {
	if st.ID == r.Cluster.Self().ID {
		if round == late.UnderWay {
			return r.late.UnderWay.Count(batches[0].Key) > 1, nil // one is this very attempt
		}
		return r.Store.Holds(batches...)
	}
	if !r.finder.Reachable(st.ID) {
		return false, errors.New("not reachable")
	}
	ctx, cancel := context.WithTimeout(ctx, r.DigestWait)
	defer cancel()
	from, yes, err := r.Peers.Look(ctx, r.Cluster.Addr(st.ID), round, batches[0].Posting, late.Identities(batches)...)
	return yes, checkAnswer(st, from, err)
}

// Look answers the look of another store with a roster.
func (r *Replicas) Look(round late.Round, roster string, batches []flow.Written) (bool, error) {
	if round == late.Held {
		return r.Store.Holds(batches...)
	}
	if r.Cluster.Roster().Hash() != roster {
		return false, contract.NotReplica.Errorf("this store has not the roster %s, whose floors close the hour", roster)
	}
	return r.late.UnderWay.Count(batches[0].Key) > 0, nil
}
