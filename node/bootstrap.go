package node

import (
	"cmp"
	"context"
	"fmt"

	"flowring/node/founding"
	"flowring/node/peer"
	"flowring/ring/roster"
)

// noteExpected updates the expectation, which is used until the node belongs to a cluster.
func (n *Node) noteExpected(ctx context.Context) {
	if n.membership.Roster().Cluster() != "" {
		return
	}
	list := n.members.JoinList(ctx)
	n.expected.Store(founding.Expect(n.members.View().Names(), list, cmp.Or(n.cfg.BootstrapExpect, list.Expect)))
}

// pendingReason states the event that a store before its establishment waits for.
func (n *Node) pendingReason() string {
	if n.membership.Roster().Cluster() != "" {
		return fmt.Sprintf("%d established stores have yet to confirm this one", n.cfg.WriteQuorum)
	}
	return n.expected.Load().Missing(len(n.members.View().Nodes), n.cfg.BootstrapExpect)
}

// hello describes this node for a heartbeat. The order of the first two statements counts while the node belongs to no
// cluster: a receiver that reads "does not found" must also read every name seen before, and mayFound runs again after
// the announcement.
func (n *Node) hello() peer.Hello {
	sees := n.members.View().Names()
	founds := n.founding.Load() || n.foundsAlone()
	stats, known := n.store.Stats(), n.membership.Roster()
	h := peer.Hello{
		Store: n.membership.Self(), Start: n.startNonce,
		Roster: known, Former: n.membership.Former(), Status: n.statusOf(stats), Clock: n.clock.Millis(),
		TLS: n.peerTLS.Speaks(), Retention: n.retention.Proposal(known, stats.Lowest, stats.Slices == 0),
	}
	if h.Roster.Cluster() == "" {
		e := n.expected.Load()
		h.Founds, h.Waits, h.Sees, h.Calls = founds, !e.Met(), sees, e.Calls(n.members.View())
	}
	return h
}

// empty reports whether this store belongs to no cluster and holds no batch.
func (n *Node) empty() bool {
	return n.membership.Roster().Cluster() == "" && len(n.store.Slices()) == 0
}

// foundsAlone reports whether this store founds a cluster by itself, because the node has no join address.
func (n *Node) foundsAlone() bool { return len(n.cfg.Join) == 0 && n.empty() }

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
	return n.establish(ctx, "first store of a new cluster")
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
	if !e.Met() || !e.Sees(names) {
		return false
	}
	calls := map[string][]string{}
	for _, node := range view.Nodes {
		if node.Start == n.startNonce {
			calls[node.Name] = e.Calls(view)
			continue
		}
		hello, ok := heard[roster.StoreID(node.Store)]
		if !ok || !founding.Agrees(hello, names) {
			return false
		}
		calls[node.Name] = hello.Calls
	}
	return founding.Founder(names, calls) == n.cfg.Name
}
