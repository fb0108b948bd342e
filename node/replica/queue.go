package replica

import (
	"flowring/flow"
	"flowring/ring"
)

// place is one store of a slice's list, as this node can use it.
type place struct {
	ring.Store
	addr string
	self bool
}

// places hands out the stores of a slice in the order of preference, those that are not heard behind the others. What a write does
// not come to is not looked up.
type places struct {
	r      *Replicas
	roster ring.Roster
	owners []string // nodes that are still to be looked at
	silent []place  // nodes that were looked at and are not heard
}

func (r *Replicas) places(s flow.Slice) places {
	return places{r: r, roster: r.Cluster.Roster(), owners: r.Cluster.Ring().Owners(s)}
}

// next returns the next place. It reports whether there was one.
func (p *places) next() (at place, ok bool) {
	for len(p.owners) > 0 {
		name := p.owners[0]
		p.owners = p.owners[1:]
		st, ok := p.r.storeOf(p.roster, name)
		if !ok {
			continue
		}
		at := place{Store: st, self: st.ID == p.r.Cluster.Self().ID}
		if !at.self {
			at.addr = p.r.Cluster.Addr(st.ID)
		}
		switch {
		case at.self || at.addr != "" && p.r.Peers.Heard(at.addr):
			return at, true
		case at.addr != "":
			p.silent = append(p.silent, at)
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
	self := p.r.Cluster.Self()
	if len(p.owners) == 0 || p.owners[0] != self.Name {
		return place{}, false
	}
	st, ok := p.r.storeOf(p.roster, self.Name)
	if !ok || st.ID != self.ID {
		return place{}, false
	}
	p.owners = p.owners[1:]
	return place{Store: st, self: true}, true
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
