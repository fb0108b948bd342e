package node

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"flowring/node/member"
	"flowring/node/peer"
	"flowring/ring/roster"
)

// expectation is who is there of those that a node waits for while it belongs to no cluster.
type expectation struct {
	sees   []string    // names of the nodes in its view
	unseen []string    // addresses that its join addresses stand for and no node in view has; nil: as many are there as must be
	expect int         // nodes that must see each other
	list   member.List // what its join addresses stand for
}

// met reports whether nobody is waited for.
func (e *expectation) met() bool { return len(e.sees) >= e.expect && len(e.unseen) == 0 }

// expect looks who is there of those that this node was told to join. Of the nodes that its list stands for, itself included, as many
// must be there as are expected, or all: any others would do to make a cluster beside theirs.
func (n *Node) noteExpected(ctx context.Context) {
	if n.membership.Roster().Cluster() != "" {
		return
	}
	list := n.members.Named(ctx)
	e := expectation{sees: n.members.View().Names(), expect: cmp.Or(n.cfg.BootstrapExpect, list.Expect), list: list}
	if list.Nodes-len(list.Unseen) < min(e.expect, list.Nodes) {
		e.unseen = list.Unseen
	}
	n.expected.Store(&e)
}

// waitsFor says whom this node waits for: before a cluster can be founded, or for the stores that are to confirm its own one.
func (n *Node) pendingReason() string {
	if n.membership.Roster().Cluster() != "" {
		return fmt.Sprintf("%d established stores have yet to confirm this one", n.cfg.WriteQuorum)
	}
	visible, e := len(n.members.View().Nodes), n.expected.Load()
	if visible >= e.expect && len(e.unseen) > 0 {
		return "no node in view at " + strings.Join(e.unseen, ", ")
	}
	return fmt.Sprintf("%d nodes visible, %d expected", visible, max(e.expect, n.cfg.BootstrapExpect))
}

// hello is what this node says of itself. While it belongs to no cluster the order counts: who is told that it does not found one
// is told all whom it saw before, and mayBootstrap looks again after it has said so.
func (n *Node) hello() peer.Hello {
	sees := n.members.View().Names()
	founds := n.founding.Load() || n.foundsAlone()
	h := peer.Hello{
		Store: n.membership.Self(), Start: n.startNonce, Roster: n.membership.Roster(), Former: n.membership.Former(), Status: n.status(),
	}
	if h.Roster.Cluster() == "" {
		e := n.expected.Load()
		h.Founds, h.Waits, h.Sees, h.Calls = founds, !e.met(), sees, e.calls(n.members.View())
	}
	return h
}

// empty reports whether this store belongs to no cluster and holds nothing.
func (n *Node) empty() bool {
	return n.membership.Roster().Cluster() == "" && len(n.store.Slices()) == 0
}

// foundsAlone reports whether this store founds a cluster whoever is there: it has nobody to join.
func (n *Node) foundsAlone() bool { return len(n.cfg.Join) == 0 && n.empty() }

// calls returns the names of the nodes in view that the join addresses stand for: all of them where an address leads to any node.
func (e *expectation) calls(view *member.View) []string {
	var names []string
	for _, node := range view.Nodes {
		if _, listed := e.list.Others[node.Gossip]; listed || e.list.Beyond {
			names = append(names, node.Name)
		}
	}
	return names
}

// bootstrap makes this store the first of a new cluster, if it still may be after others can know that it is about to. Of two that are
// about to, each after it has said so asks the other one: at most one is told that the other one is not.
func (n *Node) foundCluster(ctx context.Context, heard replies) error {
	n.founding.Store(true)
	defer n.founding.Store(false)
	if !n.foundsAlone() {
		heard = n.sendHeartbeats(ctx)
	}
	if !n.mayFound(heard) {
		return nil
	}
	if err := n.membership.FoundCluster(); err != nil {
		return err
	}
	return n.establish("first store of a new cluster")
}

// mayBootstrap reports whether this store, whose disk is empty, is the one to found the cluster: it has nobody to join; or it is the
// founder of a group of nodes that see the same nodes, each of which sees all whom it expects, and none of which belongs to a cluster,
// or founds one.
func (n *Node) mayFound(heard replies) bool {
	if !n.empty() {
		return false
	}
	if len(n.cfg.Join) == 0 {
		return true
	}
	view, e := n.members.View(), n.expected.Load()
	names := view.Names()
	if !e.met() || !slices.Equal(e.sees, names) {
		return false
	}
	calls := map[string][]string{}
	for _, node := range view.Nodes {
		if node.Start == n.startNonce {
			calls[node.Name] = e.calls(view)
			continue
		}
		hello, ok := heard[roster.StoreID(node.Store)]
		if !ok || !agrees(hello, names) {
			return false
		}
		calls[node.Name] = hello.Calls
	}
	return founder(names, calls) == n.cfg.Name
}

// founder returns the first of the nodes to which the join addresses of all others lead, be it over each other: they adopt a cluster only
// from nodes that they call. "": there is none.
func founder(names []string, calls map[string][]string) string {
	for _, name := range names {
		if len(leadTo(name, calls)) == len(names) {
			return name
		}
	}
	return ""
}

// leadTo returns the nodes whose calls lead to a node, itself included.
func leadTo(name string, calls map[string][]string) map[string]bool {
	reached := map[string]bool{name: true}
	for before := 0; before < len(reached); {
		before = len(reached)
		for from, to := range calls {
			if slices.ContainsFunc(to, func(called string) bool { return reached[called] }) {
				reached[from] = true
			}
		}
	}
	return reached
}

// agrees reports whether a node has no objection against a cluster of the nodes of these names.
func agrees(h peer.Hello, names []string) bool {
	return h.Roster.Cluster() == "" && !h.Founds && !h.Waits && slices.Equal(h.Sees, names)
}
