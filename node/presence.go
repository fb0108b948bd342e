package node

import (
	"time"

	"flowring/ring/roster"
)

// isPresent reports whether the node of a store is present: the gossip sees it, and it answers calls. Writes count on
// present nodes alone.
func (n *Node) isPresent(id roster.StoreID) bool {
	node, live := n.directory.Node(id)
	return id == n.membership.Self().ID || live && !n.client.Gone(node.Peer)
}

// isAnswering reports whether the gossip sees the node of a store, and its last call was answered. An operator sees a
// failed call at once. The early refusal of writes and the log wait for more than one, and follow isPresent.
func (n *Node) isAnswering(id roster.StoreID) bool {
	node, live := n.directory.Node(id)
	return id == n.membership.Self().ID || live && n.client.Heard(node.Peer)
}

// logPresence logs departures and returns of nodes.
func (n *Node) logPresence() {
	nodes := map[string]bool{}
	for _, s := range n.membership.Roster().Stores() {
		if s.Name != n.cfg.Name && s.Established {
			nodes[s.Name] = nodes[s.Name] || n.isPresent(s.ID)
		}
	}
	gone, back := n.presence.Update(time.Now(), nodes)
	for _, name := range gone {
		n.log.Warn("node away", "node", name)
	}
	for _, b := range back {
		n.log.Info("node is back", "node", b.Name, "away", b.Away.Round(time.Second/10))
	}
}
