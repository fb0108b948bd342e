package node

import (
	"errors"

	"flowring/node/membership"
	"flowring/node/peer"
)

// Rule of adoption: a node of no cluster adopts a cluster only after a member answered a call of the node itself to an
// address of its join list, other than its own address. The call is a join of the gossip (member.Config.Adopt), or a
// heartbeat to the peer port of a node in view with a gossip address on the list. Until then neither side takes the
// other into its view, its directory or its roster. The reason: a member calls every address in its memory, and the
// node at such an address today may be of another installation.

// adoptCluster makes this node a member of a cluster, and announces it to the gossip, because members accept only nodes
// with their cluster ID.
func (n *Node) adoptCluster(cluster string) error {
	if err := n.membership.AdoptCluster(cluster); err != nil {
		return err
	}
	n.announceIdentity()
	n.retryJoin()
	return nil
}

// adoptFromHeartbeat adopts the cluster of the node at a peer address, if it refused a heartbeat for want of adoption
// and the join list has its gossip address.
func (n *Node) adoptFromHeartbeat(addr string, to peer.Hello, err error) {
	var refused *membership.NotAdoptedError
	if !errors.As(err, &refused) {
		return
	}
	for _, node := range n.members.View().Nodes {
		_, listed := n.expected.Load().List.Others[node.Gossip]
		if node.Peer != addr || node.Start != to.Start || !listed {
			continue
		}
		if err := n.adoptCluster(refused.Cluster); err != nil {
			n.log.Error("join", "error", err)
		}
	}
}

// retryJoin starts a round of heartbeats and joins soon. A member of a cluster called, and the join list may have its
// address.
func (n *Node) retryJoin() {
	select {
	case n.retryJoinNow <- struct{}{}:
	default:
	}
	n.members.Rejoin()
}
