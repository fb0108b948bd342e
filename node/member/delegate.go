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

// delegate is what the gossip library calls, most of it under its own locks. Nothing here blocks or calls the library back.
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

// MergeRemoteState implements memberlist.Delegate. A state that finds the queue full is dropped: it comes again.
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
	d.m.remember(node.Gossip)
	d.m.ended(attempt{addr: node.Gossip}, nil)
	d.m.pardon(node.Gossip, time.Now()) // a node that hung up as it stopped is back
}

// NotifyLeave implements memberlist.EventDelegate.
func (d delegate) NotifyLeave(n *memberlist.Node) {
	d.m.update(func(alive map[string]Node) { delete(alive, n.Name) })
}

// NotifyAlive implements memberlist.AliveDelegate: a node that does not belong here is never taken in.
func (d delegate) NotifyAlive(n *memberlist.Node) error { return d.m.admit(n) }

// NotifyMerge implements memberlist.MergeDelegate: one node that does not belong here refuses the whole exchange, so that two
// clusters that differ never mix. A node of no cluster is left out by NotifyAlive alone, because a member can still have it in its view
// that was of no cluster itself when they met.
func (d delegate) NotifyMerge(nodes []*memberlist.Node) error {
	for _, n := range nodes {
		if err := d.m.admit(n); err != nil && !errors.Is(err, errNoMember) {
			return err
		}
	}
	return nil
}

// errApart refuses every other node at one that stays apart.
var errApart = errors.New("this node stays apart")

// errNoMember refuses a node of no cluster at a member of one. It is no news: the node comes to belong to the cluster, or never does.
var errNoMember = errors.New("the node belongs to no cluster, and this node does")

// notAdopted is how the text of an adoptError begins: the library passes errors on as text alone.
const notAdopted = "this node has not adopted cluster "

// adoptError refuses a member of a cluster at a node of no cluster. The answer to a call of its own can make the node adopt the cluster.
type adoptError struct{ cluster string }

func (e *adoptError) Error() string { return notAdopted + e.cluster }

// offered returns the cluster of the members that answered a join, if the join failed for want of adoption alone.
func offered(join error) (cluster string) {
	_, after, _ := strings.Cut(join.Error(), notAdopted)
	cluster, _, _ = strings.Cut(after, "\n")
	return strings.TrimSpace(cluster)
}

// admit says why a node cannot be in one cluster with this one, if so, and remembers it for Refusal.
func (m *Members) admit(n *memberlist.Node) error {
	node, err := decodeNode(n)
	if err != nil {
		return err
	}
	self := m.self.Load()
	adopts := !m.cfg.Disabled.Has(safeguard.Adoption)
	switch {
	case node.Name == self.Name && node.Start == self.Start:
		return nil
	case m.apart:
		return errApart
	case node.Params != self.Params:
		err = fmt.Errorf("node %s at %s has other cluster parameters (%s) than this node (%s)", node.Name, node.Gossip, node.Params, self.Params)
	case node.Cluster != "" && self.Cluster != "" && node.Cluster != self.Cluster:
		err = fmt.Errorf("node %s at %s belongs to cluster %s, this node to cluster %s", node.Name, node.Gossip, node.Cluster, self.Cluster)
	case adopts && node.Cluster != self.Cluster && self.Cluster == "":
		return &adoptError{node.Cluster}
	case adopts && node.Cluster != self.Cluster:
		return errNoMember
	default:
		m.meet(node)
		return nil
	}
	m.refuse(node.Gossip, err)
	return err
}

// meet remembers an earlier start of this node's name, for Namesakes. An exchange names all nodes before any of them is in the view.
func (m *Members) meet(node Node) {
	self := m.self.Load()
	if node.Name != self.Name || node.Start >= self.Start {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.namesakes[node.Start] = node
}
