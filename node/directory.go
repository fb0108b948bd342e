package node

import (
	"maps"
	"slices"
	"sync"

	"flowring/node/member"
	"flowring/ring"
)

// directory is where each store's node was last seen: alive nodes as the gossip says, others as it said last.
type directory struct {
	mu   sync.Mutex
	last map[ring.StoreID]member.Node
	live map[ring.StoreID]bool
}

func newDirectory() *directory {
	return &directory{last: map[ring.StoreID]member.Node{}, live: map[ring.StoreID]bool{}}
}

// update takes in a view and returns the nodes that are gone since the last one.
func (d *directory) update(v *member.View) (gone []member.Node) {
	d.mu.Lock()
	defer d.mu.Unlock()
	live := map[ring.StoreID]bool{}
	for _, n := range v.Nodes {
		id := ring.StoreID(n.Store)
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
func (d *directory) node(id ring.StoreID) (n member.Node, known, live bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, known = d.last[id]
	return n, known, d.live[id]
}

// Addr returns the peer address at which a store's node was last seen; "" if it never was.
func (d *directory) Addr(id ring.StoreID) string {
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
func (d *directory) prune(r ring.Roster) {
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.DeleteFunc(d.last, func(id ring.StoreID, _ member.Node) bool {
		s, known := r.Get(id)
		return !d.live[id] && (!known || s.Forgotten)
	})
}
