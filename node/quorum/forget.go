package quorum

import (
	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/ring/roster"
)

// CheckForget is the guard of forgetting a store, after the answers heard. Its error names the possible loss.
func (g *Guard) CheckForget(gone roster.Store, heard Replies, force bool) error {
	if force {
		return nil
	}
	self, w, proven := g.cluster.Membership.Self(), g.cfg.Quorum, g.Proven()
	if !self.Established || self.Leaving {
		return contract.Guarded.Errorf("this node's store is not established: ask another node")
	}
	silent := g.silent(heard, gone.ID)
	allowed := proven - 2
	if g.cfg.Disabled.Has(safeguard.ForgetGuard) {
		allowed = (len(heard) + len(silent)) / 2
	}
	switch {
	case len(silent) <= allowed:
	case w == 1:
		return contract.Guarded.Errorf("the write quorum is 1: batches held by the store of %s alone would be lost,"+
			" and no other store knows them", gone.Name)
	case proven == 1:
		return contract.Guarded.Errorf("the write quorum was 1, and not every batch is on %d stores yet: batches held by the"+
			" store of %s alone would be lost", w, gone.Name)
	default:
		return contract.Guarded.Errorf("no answer from %v either: batches held by those and the store of %s alone would be"+
			" lost; at a write quorum of %d, %d may be silent", silent, gone.Name, proven, max(allowed, 0))
	}
	counting := 1 // this store
	for _, s := range g.cluster.Membership.Roster().Stores() {
		if _, ok := heard[s.ID]; ok && s.ID != gone.ID && s.ID != self.ID && s.Established && !s.Leaving {
			counting++
		}
	}
	if counting < w {
		return contract.Guarded.Errorf("%d established stores would be left, fewer than the write quorum of %d", counting, w)
	}
	return nil
}
