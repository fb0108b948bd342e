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

// expectation records which of the nodes in the join list are visible. It is used until the node belongs to a cluster.
type expectation struct {
	sees   []string    // names of the nodes in view
	unseen []string    // addresses of the join list without a node in view; nil: enough nodes of the list are in view
	expect int         // number of nodes that must see each other
	list   member.List // the join list, resolved
}

// met reports whether all expected nodes are visible.
func (e *expectation) met() bool { return len(e.sees) >= e.expect && len(e.unseen) == 0 }

// noteExpected updates the expectation. At least BootstrapExpect of the nodes in the join list must be visible, itself
// included (all of them if the list is shorter). Otherwise unrelated nodes could satisfy the count and found a second
// cluster.
func (n *Node) noteExpected(ctx context.Context) {
	if n.membership.Roster().Cluster() != "" {
		return
	}
	list := n.members.JoinList(ctx)
	e := expectation{sees: n.members.View().Names(), expect: cmp.Or(n.cfg.BootstrapExpect, list.Expect), list: list}
	if list.Nodes-len(list.Unseen) < min(e.expect, list.Nodes) {
		e.unseen = list.Unseen
	}
	n.expected.Store(&e)
}

// pendingReason states the event that a store before its establishment waits for.
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

// hello describes this node for a heartbeat. The order of the first two statements counts while the node belongs to no
// cluster: a receiver that reads "does not found" must also read every name seen before, and mayFound runs again after
// the announcement.
func (n *Node) hello() peer.Hello {
	sees := n.members.View().Names()
	founds := n.founding.Load() || n.foundsAlone()
	h := peer.Hello{
		Store: n.membership.Self(), Start: n.startNonce,
		Roster: n.membership.Roster(), Former: n.membership.Former(), Status: n.status(), Clock: n.clock.Millis(),
		TLS: n.peerTLS.Speaks(),
	}
	if h.Roster.Cluster() == "" {
		e := n.expected.Load()
		h.Founds, h.Waits, h.Sees, h.Calls = founds, !e.met(), sees, e.calls(n.members.View())
	}
	return h
}

// empty reports whether this store belongs to no cluster and holds no batch.
func (n *Node) empty() bool {
	return n.membership.Roster().Cluster() == "" && len(n.store.Slices()) == 0
}

// foundsAlone reports whether this store founds a cluster by itself, because the node has no join address.
func (n *Node) foundsAlone() bool { return len(n.cfg.Join) == 0 && n.empty() }

// calls returns the names of the nodes in view with an address on the join list. If an address leads to any node, it
// returns all nodes in view.
func (e *expectation) calls(view *member.View) []string {
	var names []string
	for _, node := range view.Nodes {
		if _, listed := e.list.Others[node.Gossip]; listed || e.list.Indirect {
			names = append(names, node.Name)
		}
	}
	return names
}

// foundCluster makes this store the first of a new cluster. It announces the intention first, asks all nodes again, and
// gives up if the answers forbid it. Of two nodes with the intention, each asks the other after its own announcement,
// so at most one of them is told that the other has none.
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

// mayFound reports whether this store founds the cluster. Its disk must be empty. Either the node has no join address;
// or a group of nodes sees exactly its own members, each with its expectation met, none in a cluster and none founding
// one, and this node is the founder of the group.
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

// founder returns the first name that the join addresses of all other nodes lead to, directly or through other nodes,
// because a node adopts a cluster only from a node that it calls. "": there is none.
func founder(names []string, calls map[string][]string) string {
	for _, name := range names {
		if len(leadTo(name, calls)) == len(names) {
			return name
		}
	}
	return ""
}

// leadTo returns the nodes whose calls lead to a node, directly or through other nodes, itself included.
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

// agrees reports whether a node accepts a new cluster of the nodes with these names.
func agrees(h peer.Hello, names []string) bool {
	return h.Roster.Cluster() == "" && !h.Founds && !h.Waits && slices.Equal(h.Sees, names)
}
