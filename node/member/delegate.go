package member

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/memberlist"

	"flowring/internal/safeguard"
)

// delegate receives the calls of the gossip library, most of them under the library's locks. Its methods do not block
// and do not call the library.
type delegate struct{ m *Members }

var (
	_ memberlist.Delegate      = delegate{}
	_ memberlist.EventDelegate = delegate{}
	_ memberlist.AliveDelegate = delegate{}
	_ memberlist.MergeDelegate = delegate{}
)

// NodeMeta implements memberlist.Delegate.
func (d delegate) NodeMeta(int) []byte { return *d.m.meta.Load() }

// NotifyMsg implements memberlist.Delegate; no user messages are sent.
func (d delegate) NotifyMsg([]byte) {}

// GetBroadcasts implements memberlist.Delegate; no user messages are sent.
func (d delegate) GetBroadcasts(int, int) [][]byte { return nil }

// LocalState implements memberlist.Delegate.
func (d delegate) LocalState(bool) []byte {
	if state := d.m.state.Load(); state != nil {
		return *state
	}
	return nil
}

// MergeRemoteState implements memberlist.Delegate. It drops a state if the queue is full, because the state comes
// again.
func (d delegate) MergeRemoteState(buf []byte, _ bool) {
	if len(buf) == 0 {
		return
	}
	select {
	case d.m.states <- slices.Clone(buf):
	default:
	}
}

// NotifyJoin implements memberlist.EventDelegate.
func (d delegate) NotifyJoin(n *memberlist.Node) { d.NotifyUpdate(n) }

// NotifyUpdate implements memberlist.EventDelegate.
func (d delegate) NotifyUpdate(n *memberlist.Node) {
	node, err := decodeNode(n)
	if err != nil {
		d.m.log.Warn("node with unreadable metadata left out", "error", err)
		return
	}
	d.m.update(func(alive map[string]Node) { alive[n.Name] = node })
	d.m.addAddress(node.Gossip)
	d.m.noteOutcome(attempt{addr: node.Gossip}, nil)
	d.m.clearRefusal(node.Gossip, time.Now()) // a node that hung up while it stopped has returned
}

// NotifyLeave implements memberlist.EventDelegate.
func (d delegate) NotifyLeave(n *memberlist.Node) {
	d.m.update(func(alive map[string]Node) { delete(alive, n.Name) })
}

// NotifyAlive implements memberlist.AliveDelegate. It keeps nodes of other clusters out of the view.
func (d delegate) NotifyAlive(n *memberlist.Node) error { return d.m.admit(n) }

// NotifyMerge implements memberlist.MergeDelegate. One node of another cluster refuses the whole exchange, so two
// different clusters never mix. A node of no cluster is kept out by NotifyAlive alone, because the caller may have met
// it before the caller joined this cluster. Dead nodes do not count: after an upgrade they are runs of the old program.
func (d delegate) NotifyMerge(nodes []*memberlist.Node) error {
	for _, n := range nodes {
		if n.State == memberlist.StateDead || n.State == memberlist.StateLeft {
			continue
		}
		if err := d.m.admit(n); err != nil && !errors.Is(err, errNoMember) {
			return err
		}
	}
	return nil
}

// errApart refuses every other node while this node stays apart.
var errApart = errors.New("this node stays apart")

// errNoMember refuses a node of no cluster at a member of one. It is not logged: the node joins the cluster later, or
// never.
var errNoMember = errors.New("the node belongs to no cluster, and this node does")

// notAdopted is the prefix of an adoptError. The library passes errors on as text alone.
const notAdopted = "this node has not adopted cluster "

// adoptError refuses a member of a cluster at a node of no cluster. It offers the cluster: in answer to its own call,
// the node can adopt it.
type adoptError struct{ cluster string }

func (e *adoptError) Error() string { return notAdopted + e.cluster }

// offeredCluster returns the cluster of the members that answered a join, if the join failed for want of adoption
// alone.
func offeredCluster(join error) (cluster string) {
	_, after, _ := strings.Cut(join.Error(), notAdopted)
	cluster, _, _ = strings.Cut(after, "\n")
	return strings.TrimSpace(cluster)
}

// admit returns why a node and this one cannot be in one cluster, and records the reason for Refusal; nil: they can.
func (m *Members) admit(n *memberlist.Node) error {
	node, err := decodeNode(n)
	if err != nil {
		return err
	}
	self := m.self.Load()
	mismatch := self.checkOffer(node)
	adopts := !m.cfg.Disabled.Has(safeguard.Adoption)
	switch {
	case node.Name == self.Name && node.Start == self.Start:
		return nil
	case m.apart:
		return errApart
	case node.Params != self.Params:
		err = fmt.Errorf("node %s at %s has other cluster parameters (%s) than this node (%s)",
			node.Name, node.Gossip, node.Params, self.Params)
	case node.Cluster != "" && self.Cluster != "" && node.Cluster != self.Cluster:
		err = fmt.Errorf("node %s at %s belongs to cluster %s, this node to cluster %s",
			node.Name, node.Gossip, node.Cluster, self.Cluster)
	case mismatch != nil:
		err = mismatch
	case adopts && node.Cluster != self.Cluster && self.Cluster == "":
		return &adoptError{node.Cluster}
	case adopts && node.Cluster != self.Cluster:
		return errNoMember
	default:
		m.noteNamesake(node)
		return nil
	}
	m.addRefusal(node.Gossip, err)
	return err
}

// noteNamesake records an earlier start of this node's name, for Namesakes. An exchange names all nodes before any of
// them enters the view.
func (m *Members) noteNamesake(node Node) {
	self := m.self.Load()
	if node.Name != self.Name || node.Start >= self.Start {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.namesakes[node.Start] = node
}
