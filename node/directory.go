package node

import (
	"maps"
	"slices"
	"sync"

	"flowring/node/member"
	"flowring/ring/roster"
)

// directory is where each store's node was last seen: alive nodes as the gossip says, others as it said last.
type directory struct {
	mu   sync.Mutex
	last map[roster.StoreID]member.Node
	live map[roster.StoreID]bool
}

func newDirectory() *directory {
	return &directory{last: map[roster.StoreID]member.Node{}, live: map[roster.StoreID]bool{}}
}

// update takes in a view and returns the nodes that are gone since the last one.
func (d *directory) update(v *member.View) (gone []member.Node) {
	d.mu.Lock()
	defer d.mu.Unlock()
	live := map[roster.StoreID]bool{}
	for _, n := range v.Nodes {
		id := roster.StoreID(n.Store)
		d.last[id], live[id] = n, true
	}
	for id := range d.live {
		if !live[id] {
			gone = append(gone, d.last[id])
		}
	}
	d.live = live
	return gone
}

// node returns where a store's node was last seen, and whether it is alive.
func (d *directory) node(id roster.StoreID) (n member.Node, known, live bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, known = d.last[id]
	return n, known, d.live[id]
}

// Addr returns the peer address at which a store's node was last seen; "" if it never was.
func (d *directory) Addr(id roster.StoreID) string {
	n, _, _ := d.node(id)
	return n.Peer
}

// addrs returns every peer address, of live nodes and of others.
func (d *directory) addrs() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	set := map[string]bool{}
	for _, n := range d.last {
		set[n.Peer] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// prune forgets stores that the roster has forgotten and that are not alive.
func (d *directory) prune(r roster.Roster) {
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.DeleteFunc(d.last, func(id roster.StoreID, _ member.Node) bool {
		s, known := r.Get(id)
		return !d.live[id] && (!known || s.Forgotten)
	})
}
