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
	self, w, proven := g.deps.Membership.Self(), g.cfg.Quorum, g.Proven()
	if g.cfg.Disabled.Has(safeguard.ProvenForget) {
		proven = w
	}
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
		return g.checkLeft(gone, heard)
	case w == 1:
		return contract.Guarded.Errorf("the write quorum is 1: batches held by the store of %s alone would be lost,"+
			" and no other store knows them", gone.Name)
	case proven == 1:
		return contract.Guarded.Errorf("the write quorum was 1, and not every batch is on %d stores yet: batches held by the"+
			" store of %s alone would be lost", w, gone.Name)
	}
	return contract.Guarded.Errorf("no answer from %v either: batches held by those and the store of %s alone would be"+
		" lost; at a write quorum of %d, %d may be silent", silent, gone.Name, proven, max(allowed, 0))
}

// checkLeft returns an error if fewer stores that count than W would be left.
func (g *Guard) checkLeft(gone roster.Store, heard Replies) error {
	counting, self := 1, g.deps.Membership.Self().ID // this store counts
	for _, s := range g.deps.Membership.Roster().Stores() {
		if _, ok := heard[s.ID]; ok && s.ID != gone.ID && s.ID != self && s.Established && !s.Leaving {
			counting++
		}
	}
	if counting < g.cfg.Quorum {
		return contract.Guarded.Errorf("%d established stores would be left, fewer than the write quorum of %d",
			counting, g.cfg.Quorum)
	}
	return nil
}
