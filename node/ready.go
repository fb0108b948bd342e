package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"flowring/node/readiness"
)

const (
	unreadyFirst = 5 * time.Second  // time from the start to the first message
	unreadyEvery = 30 * time.Second // time to each further message
)

// logUnready logs why the node is not ready, and its unreachable addresses, until it is ready for the first time.
func (n *Node) logUnready(ctx context.Context) {
	for wait := unreadyFirst; ; wait = unreadyEvery {
		for end := time.Now().Add(wait); time.Now().Before(end); {
			select {
			case <-time.After(heartbeatEvery):
			case <-ctx.Done():
				return
			}
			if n.Ready() == nil {
				return
			}
		}
		n.log.Warn("not ready", "reason", n.Ready(), "failed", strings.Join(n.members.Failures(), "; "))
	}
}

// shedsConnections reports whether clients are asked to close their connections. A balancer such as kube-proxy never
// cuts an open connection, and leads a new one to another node.
func (n *Node) shedsConnections() bool {
	return n.notReady.Load() || n.stopping.Load() || n.draining.Load()
}

// Ready returns nil if the node may be sent requests, and otherwise the reason.
func (n *Node) Ready() error {
	err := n.ready()
	n.notReady.Store(err != nil)
	return err
}

func (n *Node) ready() error {
	switch {
	case n.stopping.Load():
		return errors.New("stopping")
	case n.departed.Load():
		return errors.New("drained: the store of this node has left the cluster")
	case n.draining.Load():
		secured, all := n.replicas.Secured()
		return fmt.Errorf("draining: %d of %d slices are on enough other stores", secured, all)
	case n.folderMissing():
		return n.journal.Missing()
	}
	return n.assess(nil)
}

// assess takes the stores of one round of replies and returns why this node is not ready; nil: it is ready.
func (n *Node) assess(heard replies) error {
	return n.readiness.Observe(func() readiness.Observation { return n.observe(heard) })
}

// observe returns the facts behind readiness, with the stores of one round of replies.
func (n *Node) observe(heard replies) readiness.Observation {
	o := readiness.Observation{
		Now: time.Now(), Quorum: n.cfg.WriteQuorum, Self: n.membership.Self(), Roster: n.membership.Roster(),
		Round: heard != nil, Answered: slices.Collect(maps.Keys(heard)), Contact: n.members.Contact(),
		Joining: n.pendingReason(), Apart: n.apartError(), Refusal: n.members.Refusal(), Tried: n.members.TriedAll(),
		Recovering: n.replicas.MayBeOld() || n.quorum.Awaited(), Disabled: n.deps.Disabled,
	}
	if len(heard) > 0 || len(n.members.View().Nodes) > 1 {
		o.Contact = o.Now
	}
	return o
}

// ReadyToWrite returns nil if a POST could be stored now, and otherwise the reason. A ready node may be unable to
// write.
func (n *Node) ReadyToWrite() error {
	if err := n.Ready(); err != nil {
		return err
	}
	switch {
	case n.memory.Full():
		return errors.New("too little memory is left for more POSTs")
	case n.disk.Low():
		return n.diskError()
	}
	return n.replicas.CheckQuorum()
}
