package replica

import (
	"flowring/flow"
	"flowring/ring"
	"flowring/ring/roster"
)

// place is one store of a slice's list, as this node can use it.
type place struct {
	roster.Store
	addr string
	self bool
}

// finder finds the places of slices for one request: where a node is to be found is looked up once, for all batches of the request.
type finder struct {
	r      *Replicas
	self   roster.Store
	roster roster.Roster
	ring   *ring.Ring
	found  []found
	few    [3]found // room for as many as most requests come to
}

// found is what was found of a node.
type found struct {
	name string
	place
	ok    bool // it is a place
	heard bool
}

func (r *Replicas) finder() *finder {
	f := &finder{r: r, self: r.Cluster.Self(), roster: r.Cluster.Roster(), ring: r.Cluster.Ring()}
	f.found = f.few[:0]
	return f
}

// find looks a node up.
func (f *finder) find(name string) *found {
	for i := range f.found {
		if f.found[i].name == name {
			return &f.found[i]
		}
	}
	f.found = append(f.found, f.look(name))
	return &f.found[len(f.found)-1]
}

func (f *finder) look(name string) found {
	st, ok := f.r.storeOf(f.roster, name)
	n := found{name: name, place: place{Store: st, self: st.ID == f.self.ID}}
	switch {
	case !ok:
	case n.self:
		n.ok, n.heard = true, true
	default:
		n.addr = f.r.Cluster.Addr(st.ID)
		n.ok = n.addr != ""
		n.heard = n.ok && f.r.Peers.Heard(n.addr)
	}
	return n
}

// places hands out the stores of a slice in the order of preference, those that are not heard behind the others. What a write does
// not come to is not looked up.
type places struct {
	finder *finder
	owners []string // nodes that are still to be looked at
	silent []place  // nodes that were looked at and are not heard
}

func (r *Replicas) places(s flow.Slice) places { return r.finder().places(s) }

func (f *finder) places(s flow.Slice) places { return places{finder: f, owners: f.ring.Candidates(s)} }

// next returns the next place. It reports whether there was one.
func (p *places) next() (at place, ok bool) {
	for len(p.owners) > 0 {
		n := p.finder.find(p.owners[0])
		p.owners = p.owners[1:]
		switch {
		case n.heard:
			return n.place, true
		case n.ok:
			p.silent = append(p.silent, n.place)
		}
	}
	if len(p.silent) == 0 {
		return place{}, false
	}
	at, p.silent = p.silent[0], p.silent[1:]
	return at, true
}

// here hands out the first place if that is this store.
func (p *places) here() (at place, ok bool) {
	if len(p.owners) == 0 || p.owners[0] != p.finder.self.Name {
		return place{}, false
	}
	n := p.finder.find(p.owners[0])
	if !n.self {
		return place{}, false
	}
	p.owners = p.owners[1:]
	return n.place, true
}

// queue asks the places of a slice one by one: launch begins to ask a place, and does not wait for the answer.
type queue struct {
	places places
	launch func(at place)
	asked  []place
}

// next launches the next place. It reports whether there was one.
func (q *queue) next() bool {
	at, ok := q.places.next()
	if !ok {
		return false
	}
	q.asked = append(q.asked, at)
	q.launch(at)
	return true
}
