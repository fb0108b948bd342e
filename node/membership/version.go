package membership

import (
	"fmt"
	"slices"

	"flowring/internal/compat"
	"flowring/ring/roster"
)

// Version returns the version that is on in the cluster, for compat.Feature.On. A node writes the formats of this
// version or of an older one. The folder has the version before Version returns it.
func (s *State) Version() compat.Version { return s.Roster().Version() }

// Offer describes this node to other nodes.
func (s *State) Offer() compat.Offer { return compat.Offer{On: s.Version(), Speaks: s.cfg.Speaks} }

// TurnOn makes a version count as on in the cluster, durably. Every store of the roster must speak it.
func (s *State) TurnOn(v compat.Version) error {
	return s.change(func(r roster.Roster) (roster.Roster, error) { return r.WithVersion(v), nil })
}

// checkVersion refuses the roster of a version that this node does not speak. A roster of no cluster has no version
// yet: it may be older.
func (s *State) checkVersion(r roster.Roster) error {
	if r.Cluster() == "" && r.Version() <= s.cfg.Speaks.Newest.Known() {
		return nil
	}
	if err := s.cfg.Speaks.Check(r.Version()); err != nil {
		return fmt.Errorf("the roster has %w", err)
	}
	return nil
}

// Next returns the version to turn on: the newest that every store of the roster speaks, as it last said. It is the
// version that is on already if there is none, if this store does not count, or if the node belongs to no cluster. A
// live node whose store is on no roster yet holds a version back too, because it would be refused.
func (s *State) Next(live []compat.Offer) compat.Version {
	now := s.current.Load().roster
	if self := s.Self(); now.Cluster() == "" || !self.Counts() {
		return now.Version()
	}
	next := now.Spoken()
	for _, o := range live {
		next = min(next, o.Speaks.Newest.Known())
	}
	return max(next, now.Version())
}

// HoldBack returns the other stores that do not speak the newest version of this node, as they last said.
func (s *State) HoldBack() []roster.Store {
	self := s.Self().ID
	below := s.Roster().Below(s.cfg.Speaks.Newest.Known())
	return slices.DeleteFunc(below, func(other roster.Store) bool { return other.ID == self })
}

// Say makes this store say on the roster which version it speaks, once every other store of the roster runs a program
// that reads the answer: the store has said a version itself, or aware reports so. Programs before versions refuse a
// roster with such an answer. A store that has said nothing counts as speaking version 1.
func (s *State) Say(aware func(roster.Store) bool) error {
	if !s.maySay(aware) {
		return nil
	}
	return s.changeSelf(func(self roster.Store) roster.Store { return self.Speaking(s.cfg.Speaks.Newest) })
}

func (s *State) maySay(aware func(roster.Store) bool) bool {
	self := s.Self().ID
	return !slices.ContainsFunc(s.Roster().Stores(), func(other roster.Store) bool {
		return other.ID != self && other.Said == 0 && !aware(other)
	})
}

// Establish makes this store count. In the same change the store says its version if Say would, so that no other node
// knows a counting store without a version.
func (s *State) Establish(aware func(roster.Store) bool) error {
	says := s.maySay(aware)
	return s.changeSelf(func(self roster.Store) roster.Store {
		self.Established = true
		if says {
			self = self.Speaking(s.cfg.Speaks.Newest)
		}
		return self
	})
}

// changeSelf replaces this store on the roster.
func (s *State) changeSelf(fn func(roster.Store) roster.Store) error {
	return s.change(func(r roster.Roster) (roster.Roster, error) {
		if self, known := r.Get(s.current.Load().self); known {
			r = r.With(fn(self))
		}
		return r, nil
	})
}

// correct makes this store say its version again after another word on the roster, which is of an earlier program of
// this node.
func (s *State) correct(r roster.Roster) roster.Roster {
	self, known := r.Get(s.current.Load().self)
	if said := self.Speaking(s.cfg.Speaks.Newest); known && self.Said > 0 && said != self {
		return r.With(said)
	}
	return r
}
