package candidates

import (
	"slices"

	"flowring/flow"
	"flowring/internal/compat"
	"flowring/ring"
	"flowring/ring/roster"
)

// Cluster is a node's knowledge about the cluster. All its methods return at once.
type Cluster interface {
	Self() roster.Store
	Roster() roster.Roster
	Ring() *ring.Ring
	Version() compat.Version       // on in the cluster, for compat.Feature.On
	Addr(id roster.StoreID) string // the last known address of the store's node; "": none
}

// Candidate is a store to try.
type Candidate struct {
	roster.Store
	Addr string // of its node; "" for this store
	Self bool   // it is the store of this node
}

// Finder finds the candidates of slices.
type Finder struct {
	Cluster
	Heard func(addr string) bool // false: the last call to the address failed
}

// StoreOf returns the store of a member. After the loss of its disk a node has two until the old one is forgotten:
// StoreOf returns the reachable one.
func (f *Finder) StoreOf(r roster.Roster, name string) (roster.Store, bool) {
	st, ok := r.ByName(name)
	if !ok || f.Reachable(st.ID) {
		return st, ok
	}
	for _, other := range r.Established() {
		if other.Name == name && f.Reachable(other.ID) {
			return other, true
		}
	}
	return st, true
}

// Reachable reports whether a store is this node's own, or the last call to its node succeeded.
func (f *Finder) Reachable(id roster.StoreID) bool {
	if id == f.Self().ID {
		return true
	}
	addr := f.Addr(id)
	return addr != "" && f.Heard(addr)
}

// Lookup finds the candidates of the slices of one request. It looks each member up once, for all slices.
type Lookup struct {
	finder  *Finder
	self    roster.Store
	roster  roster.Roster
	ring    *ring.Ring
	members []member
	few     [3]member // room for the members of most requests
}

// member is the result of looking up a member.
type member struct {
	name string
	Candidate
	known bool // it has a store with an address
	heard bool
}

// Lookup returns a Lookup by the present roster and ring.
func (f *Finder) Lookup() *Lookup {
	l := &Lookup{finder: f, self: f.Self(), roster: f.Roster(), ring: f.Ring()}
	l.members = l.few[:0]
	return l
}

// member returns a member, and looks it up the first time.
func (l *Lookup) member(name string) *member {
	for i := range l.members {
		if l.members[i].name == name {
			return &l.members[i]
		}
	}
	l.members = append(l.members, l.find(name))
	return &l.members[len(l.members)-1]
}

func (l *Lookup) find(name string) member {
	st, ok := l.finder.StoreOf(l.roster, name)
	m := member{name: name, Candidate: Candidate{Store: st, Self: st.ID == l.self.ID}}
	switch {
	case !ok:
	case m.Self:
		m.known, m.heard = true, true
	default:
		m.Addr = l.finder.Addr(st.ID)
		m.known = m.Addr != ""
		m.heard = m.known && l.finder.Heard(m.Addr)
	}
	return m
}

// List hands out the candidates of a slice one by one. It looks up no member before it is needed.
type List struct {
	lookup  *Lookup
	all     []string    // all members
	names   []string    // members to look up
	unheard []Candidate // members looked up and unheard
}

// Of returns the candidates of a slice.
func (l *Lookup) Of(s flow.Slice) List {
	names := l.ring.Candidates(s)
	return List{lookup: l, all: names, names: names}
}

// Len returns the largest number of candidates to come.
func (l *List) Len() int { return len(l.names) + len(l.unheard) }

// Next removes the next candidate. It reports false if there is none left.
func (l *List) Next() (c Candidate, ok bool) {
	for len(l.names) > 0 {
		m := l.lookup.member(l.names[0])
		l.names = l.names[1:]
		switch {
		case m.heard:
			return m.Candidate, true
		case m.known:
			l.unheard = append(l.unheard, m.Candidate)
		}
	}
	if len(l.unheard) == 0 {
		return Candidate{}, false
	}
	c, l.unheard = l.unheard[0], l.unheard[1:]
	return c, true
}

// Unacked returns the stores without an ack among those handed out and those without an address.
func (l *List) Unacked(ackedBy []roster.Store) (stores []roster.Store) {
	for _, name := range l.all[:len(l.all)-len(l.names)] {
		m := l.lookup.member(name)
		if m.ID != "" && !slices.ContainsFunc(ackedBy, func(s roster.Store) bool { return s.ID == m.ID }) &&
			!slices.ContainsFunc(l.unheard, func(c Candidate) bool { return c.ID == m.ID }) {
			stores = append(stores, m.Store)
		}
	}
	return stores
}

// NextIfSelf removes the next candidate if it is the store of this node, and reports whether it is.
func (l *List) NextIfSelf() (c Candidate, ok bool) {
	if len(l.names) == 0 || l.names[0] != l.lookup.self.Name {
		return Candidate{}, false
	}
	m := l.lookup.member(l.names[0])
	if !m.Self {
		return Candidate{}, false
	}
	l.names = l.names[1:]
	return m.Candidate, true
}
