package node

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"flowring/node/peer"
	"flowring/ring"
)

// expectation is who is there of those that a node waits for while it belongs to no cluster.
type expectation struct {
	sees   []string // names of the nodes in its view
	unseen []string // addresses that its join addresses stand for and no node in view has; nil: as many are there as must be
	expect int      // nodes that must see each other
}

// met reports whether nobody is waited for.
func (e *expectation) met() bool { return len(e.sees) >= e.expect && len(e.unseen) == 0 }

// expect looks who is there of those that this node was told to join. Of the nodes that its list stands for, itself included, as many
// must be there as are expected, or all: any others would do to make a cluster beside theirs.
func (n *Node) expect(ctx context.Context) {
	if n.membership.Roster().Cluster() != "" {
		return
	}
	list := n.members.Named(ctx)
	e := expectation{sees: n.members.View().Names(), expect: cmp.Or(n.cfg.BootstrapExpect, list.Expect)}
	if list.Nodes-len(list.Unseen) < min(e.expect, list.Nodes) {
		e.unseen = list.Unseen
	}
	n.expected.Store(&e)
}

// waitsFor says whom this node waits for before a cluster can be founded.
func (n *Node) waitsFor() string {
	visible, e := len(n.members.View().Nodes), n.expected.Load()
	if visible >= e.expect && n.membership.Roster().Cluster() == "" && len(e.unseen) > 0 {
		return "no node in view at " + strings.Join(e.unseen, ", ")
	}
	return fmt.Sprintf("%d nodes visible, %d expected", visible, max(e.expect, n.cfg.BootstrapExpect))
}

// hello is what this node says of itself. While it belongs to no cluster the order counts: who is told that it does not found one
// is told all whom it saw before, and mayBootstrap looks again after it has said so.
func (n *Node) hello() peer.Hello {
	sees := n.members.View().Names()
	founds := n.founding.Load() || n.foundsAlone()
	h := peer.Hello{Store: n.membership.Self(), Start: n.start, Roster: n.membership.Roster(), Status: n.status()}
	if h.Roster.Cluster() == "" {
		h.Founds, h.Waits, h.Sees = founds, !n.expected.Load().met(), sees
	}
	return h
}

// empty reports whether this store belongs to no cluster and holds nothing.
func (n *Node) empty() bool {
	return n.membership.Roster().Cluster() == "" && len(n.store.Slices()) == 0
}

// foundsAlone reports whether this store founds a cluster whoever is there: it has nobody to join.
func (n *Node) foundsAlone() bool { return len(n.cfg.Join) == 0 && n.empty() }

// bootstrap makes this store the first of a new cluster, if it still may be after others can know that it is about to.
func (n *Node) bootstrap(heard answers) error {
	n.founding.Store(true)
	defer n.founding.Store(false)
	if !n.mayBootstrap(heard) {
		return nil
	}
	found := func(r ring.Roster) (ring.Roster, error) { return r.WithCluster(ring.NewClusterID()) }
	if err := n.membership.change(found); err != nil {
		return err
	}
	return n.establish("first store of a new cluster")
}

// mayBootstrap reports whether this store, whose disk is empty, is the one to found the cluster: it has nobody to join; or it has the
// lowest name of a group of nodes that see the same nodes, each of which sees all whom it expects, and none of which belongs to a
// cluster, or founds one.
func (n *Node) mayBootstrap(heard answers) bool {
	if !n.empty() {
		return false
	}
	if len(n.cfg.Join) == 0 {
		return true
	}
	view, e := n.members.View(), n.expected.Load()
	names := view.Names()
	if !e.met() || !slices.Equal(e.sees, names) || names[0] != n.cfg.Name {
		return false
	}
	for _, node := range view.Nodes {
		hello, ok := heard[ring.StoreID(node.Store)]
		if node.Start != n.start && !(ok && agrees(hello, names)) {
			return false
		}
	}
	return true
}

// agrees reports whether a node has no objection against a cluster of the nodes of these names.
func agrees(h peer.Hello, names []string) bool {
	return h.Roster.Cluster() == "" && !h.Founds && !h.Waits && slices.Equal(h.Sees, names)
}
