package membership

import (
	"flowring/internal/compat"
	"flowring/ring/roster"
)

// Version returns the version that is on in the cluster, for compat.Feature.On. A node writes the formats of this version
// or of an older one. The folder has the version before Version returns it.
func (s *State) Version() compat.Version { return s.Roster().Version() }

// Offer describes this node to other nodes.
func (s *State) Offer() compat.Offer { return compat.Offer{On: s.Version(), Speaks: s.cfg.Speaks} }

// TurnOn makes a version count as on in the cluster, durably. Every store of the roster must speak it.
func (s *State) TurnOn(v compat.Version) error {
	return s.change(func(r roster.Roster) (roster.Roster, error) { return r.WithVersion(v), nil })
}

// newStore returns a store of this node that is new on the roster.
func (s *State) newStore(id roster.StoreID) roster.Store {
	return roster.Store{ID: id, Name: s.cfg.Name}.Speaking(s.cfg.Speaks.Newest)
}

// sayVersion makes this store say on a roster which version it speaks. Another answer on the roster is of an earlier
// program of this node.
func (s *State) sayVersion(r roster.Roster) roster.Roster {
	self, known := r.Get(s.current.Load().self)
	if said := self.Speaking(s.cfg.Speaks.Newest); known && said != self {
		return r.With(said)
	}
	return r
}
