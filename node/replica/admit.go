package replica

import (
	"context"
	"fmt"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/ring/roster"
)

// Check is the owner's check of batches of one posting. It returns the first refusal, or else whether all batches were
// seen before.
func (r *Replicas) Check(batches []flow.Written) (allReplayed bool, err error) {
	if err := r.checkClosed(batches); err != nil {
		return false, err
	}
	allReplayed, err = r.Store.Check(batches...)
	if err == nil && !allReplayed { // stored batches may be repeated, whatever the memory of keys has
		err = r.keys.Check(batches[0].Batch)
	}
	return allReplayed, err
}

// Admit is the owner's part of a write. It refuses batches by their content, or else sends each batch to R stores and
// returns once W of them have it on disk. It also does so for a batch seen before, because the earlier attempt may
// have reached fewer than W stores. If Admit fails, some of the batches may be stored.
//
// checked: the batches are a part of a posting and the posting was checked as a whole. Neither the limits of an hour
// nor the memory of keys nor a closed hour refuses a part of it.
func (r *Replicas) Admit(ctx context.Context, checked bool, batches []flow.Written) (allReplayed bool, err error) {
	key, sent := batches[0].Key, false
	r.late.UnderWay.Begin(key)
	defer func() { r.late.UnderWay.End(key, sent && err != nil) }()
	if err := r.mayAdmit(); err != nil {
		return false, err
	}
	if checked {
		allReplayed, err = r.Store.CheckIgnoringLimits(batches...)
	} else {
		allReplayed, err = r.Check(batches)
	}
	if err != nil {
		return false, err
	}
	sent = true
	if err := r.writer.Replicate(ctx, batches); err != nil {
		return false, err
	}
	r.keys.Remember(batches[0].Batch)
	return allReplayed, nil
}

// mayAdmit returns why this store admits no batch now; nil: it does.
func (r *Replicas) mayAdmit() error {
	if r.Refuse != nil {
		if err := r.Refuse(); err != nil {
			return err
		}
	}
	return r.CheckQuorum()
}

// CheckQuorum returns an error if a write would fail because fewer than W counting stores are present, this store
// included. Such a write is refused immediately: otherwise the client would wait for silent stores, and the batch
// would be on this store's disk alone.
func (r *Replicas) CheckQuorum() error {
	present := 0
	var silent []roster.Store
	self, roster := r.Cluster.Self(), r.Cluster.Roster()
	if st, ok := roster.Get(self.ID); ok && st.Counts() {
		present++
	}
	for i := 0; present < r.Quorum && i < roster.Len(); i++ {
		st := roster.At(i)
		if !st.Counts() || st.ID == self.ID {
			continue
		}
		if addr := r.Cluster.Addr(st.ID); addr != "" && !r.Peers.Gone(addr) {
			present++
		} else {
			silent = append(silent, st)
		}
	}
	if present >= r.Quorum || r.Disabled.Has(safeguard.Quorum) || r.Disabled.Has(safeguard.RefuseEarly) {
		return nil
	}
	reason := fmt.Sprintf("%d of the %d stores that the write quorum asks for are heard%s",
		present, r.Quorum, roster.LeavingNote())
	if present == 0 && len(silent) == 0 {
		reason = "the cluster has no established store yet"
	}
	return &contract.UnavailableError{Reason: reason, Stores: roster.Labels(silent)}
}

// label returns the name of a store in messages.
func (r *Replicas) label(st roster.Store) string { return r.Cluster.Roster().Label(st) }
