package directory

import (
	"maps"
	"slices"
	"sync"

	"flowring/node/member"
	"flowring/ring/roster"
)

// Directory has the address of each store's node: the current one of a live node, and the last known one of any other
// node.
type Directory struct {
	mu   sync.Mutex
	last map[roster.StoreID]member.Node
	live map[roster.StoreID]bool
}

// New returns an empty directory.
func New() *Directory {
	return &Directory{last: map[roster.StoreID]member.Node{}, live: map[roster.StoreID]bool{}}
}

// Update replaces the live nodes by the nodes of a view, and returns the formerly live nodes outside the view.
func (d *Directory) Update(v *member.View) (gone []member.Node) {
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

// Node returns a store's node as it was last seen, and whether it is live.
func (d *Directory) Node(id roster.StoreID) (n member.Node, live bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last[id], d.live[id]
}

// Addr returns the peer address at which a store's node was last seen; "" if it never was.
func (d *Directory) Addr(id roster.StoreID) string {
	n, _ := d.Node(id)
	return n.Peer
}

// At returns the names of the live nodes with a peer address, or else of the nodes that were last seen there, and
// whether one of them says that it speaks TLS.
func (d *Directory) At(addr string) (names []string, speakTLS bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	live := false
	for id, n := range d.last {
		switch {
		case n.Peer != addr || live && !d.live[id]:
			continue
		case d.live[id] && !live:
			live, names, speakTLS = true, nil, false
		}
		names, speakTLS = append(names, n.Name), speakTLS || n.TLS
	}
	return names, speakTLS
}

// Addrs returns every known peer address once, sorted: those of live nodes and of others.
func (d *Directory) Addrs() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	set := map[string]bool{}
	for _, n := range d.last {
		set[n.Peer] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// Prune removes stores without a live node, if they are forgotten or not on the roster.
func (d *Directory) Prune(r roster.Roster) {
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.DeleteFunc(d.last, func(id roster.StoreID, _ member.Node) bool {
		s, known := r.Get(id)
		return !d.live[id] && (!known || s.Forgotten)
	})
}
