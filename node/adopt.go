package node

import (
	"errors"

	"flowring/node/membership"
	"flowring/node/peer"
)

// A node of no cluster adopts one only after a call of its own to an address of its join list, not counting its own address, was answered
// by a member: by the gossip (member.Config.Adopt), or by a greeting to the peer port of a node in view whose gossip address the list
// stands for. Until then neither side takes the other into its view, its directory or its roster. A member calls at every address that it
// remembers, and the node that is there today may be of another installation.

// adoptCluster makes this node one of a cluster, and says so to the gossip, because members take in only nodes that say it.
func (n *Node) adoptCluster(cluster string) error {
	if err := n.membership.AdoptCluster(cluster); err != nil {
		return err
	}
	if err := n.members.SetIdentity(string(n.membership.Self().ID), cluster); err != nil {
		n.log.Debug("announce identity", "error", err)
	}
	n.retryJoin()
	return nil
}

// followCalled adopts the cluster of the node that answered a greeting to a peer address, if the join list stands for that very node.
func (n *Node) adoptFromHeartbeat(addr string, to peer.Hello, err error) {
	var refused *membership.NotAdoptedError
	if !errors.As(err, &refused) {
		return
	}
	for _, node := range n.members.View().Nodes {
		_, listed := n.expected.Load().list.Others[node.Gossip]
		if node.Peer != addr || node.Start != to.Start || !listed {
			continue
		}
		if err := n.adoptCluster(refused.Cluster); err != nil {
			n.log.Error("join", "error", err)
		}
	}
}

// callBack begins calls of this node's own soon: a member of a cluster called, which the join list may stand for.
func (n *Node) retryJoin() {
	select {
	case n.retryJoinNow <- struct{}{}:
	default:
	}
	n.members.Rejoin()
}
