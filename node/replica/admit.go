package replica

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/ring/roster"
)

// Check is what the owner asks before it admits batches of one posting: it returns the first refusal, and otherwise whether all were seen
// before.
func (r *Replicas) Check(batches []flow.Written) (allReplayed bool, err error) {
	allReplayed, err = r.Store.Check(batches...)
	if err == nil && !allReplayed { // what was seen before is stored: it may be repeated whatever the keys say
		err = r.keys.check(batches[0].Batch)
	}
	return allReplayed, err
}

// Admit is the owner's part of a write: it refuses what must be refused, and otherwise stores each batch on R stores and returns
// once W of them have it on disk. It does the same for a batch that was seen before: the earlier attempt may have stopped short
// of W. When it fails, some of the batches may be stored.
//
// With checked set they are part of a posting that was checked as a whole: neither limits on how much an hour may hold nor the memory of
// keys refuses a part of it.
func (r *Replicas) Admit(ctx context.Context, checked bool, batches []flow.Written) (allReplayed bool, err error) {
	if r.Refuse != nil {
		if err := r.Refuse(); err != nil {
			return false, err
		}
	}
	if err := r.enough(); err != nil {
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
	if err := r.replicate(ctx, batches); err != nil {
		return false, err
	}
	r.keys.remember(batches[0].Batch)
	return allReplayed, nil
}

// Enough returns why a write could only fail now: fewer than W stores that count are heard. nil: enough are.
func (r *Replicas) Enough() error { return r.enough() }

// enough returns an error when a write could only fail, since fewer than W stores that count are there, this one included: better at
// once than after the time that others are waited for, and before the batch is on this store's disk alone.
func (r *Replicas) enough() error {
	there := 0
	var silent []roster.Store
	self, roster := r.Cluster.Self(), r.Cluster.Roster()
	if st, ok := roster.Get(self.ID); ok && st.Counts() {
		there++
	}
	for i := 0; there < r.Quorum && i < roster.Len(); i++ {
		st := roster.At(i)
		if !st.Counts() || st.ID == self.ID {
			continue
		}
		if addr := r.Cluster.Addr(st.ID); addr != "" && !r.Peers.Gone(addr) {
			there++
		} else {
			silent = append(silent, st)
		}
	}
	if there >= r.Quorum || r.Disabled.Has(safeguard.Quorum) || r.Disabled.Has(safeguard.RefuseEarly) {
		return nil
	}
	reason := fmt.Sprintf("%d of the %d stores that the write quorum asks for are heard%s", there, r.Quorum, LeavingNote(roster))
	if there == 0 && len(silent) == 0 {
		reason = "the cluster has no established store yet"
	}
	return &contract.UnavailableError{Reason: reason, Stores: labels(roster, silent)}
}

// LeavingNote names the stores that are leaving, whose acks do not count, as the end of a sentence. It is empty where there are none.
func LeavingNote(roster roster.Roster) string {
	var names []string
	for _, st := range roster.Stores() {
		if st.Leaving {
			names = appendNew(names, st.Name)
		}
	}
	slices.Sort(names)
	switch len(names) {
	case 0:
		return ""
	case 1:
		return "; the store of " + names[0] + " is leaving"
	}
	return "; the stores of " + strings.Join(names, ", ") + " are leaving"
}

// labels returns what messages call stores, sorted, each once.
func labels(roster roster.Roster, stores []roster.Store) []string {
	var all []string
	for _, st := range stores {
		all = appendNew(all, roster.Label(st))
	}
	slices.Sort(all)
	return all
}

// label returns what messages call a store.
func (r *Replicas) label(st roster.Store) string { return r.Cluster.Roster().Label(st) }
