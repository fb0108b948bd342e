package node

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"

	"flowring/node/metrics"
	"flowring/node/operator"
	"flowring/node/peer"
	"flowring/ring"
	"flowring/ring/roster"
	"flowring/router"
	"flowring/store"
)

// status is this node's report about itself.
func (n *Node) status() peer.Status { return n.statusOf(n.store.Stats()) }

func (n *Node) statusOf(stats store.Stats) peer.Status {
	moving, behind := n.replicas.Progress()
	return peer.Status{
		Hours: stats.Hours, Slices: stats.Slices, Flows: stats.Flows,
		Repairing: moving, Behind: behind, Recovering: n.replicas.Recovering(), Unreadable: stats.Unreadable,
		Stopping: n.stopping.Load() || n.draining.Load(), Drain: n.drainProgress(),
	}
}

// drainProgress returns the progress of the drain under way; nil: there is none.
func (n *Node) drainProgress() *peer.Drain {
	if !n.draining.Load() || n.departed.Load() {
		return nil
	}
	secured, all := n.replicas.Secured()
	return &peer.Drain{Slices: all, Secured: secured}
}

// membersView describes the cluster from this node's point of view.
func (n *Node) membersView() router.MembersView {
	roster, on, self := n.membership.Roster(), n.membership.Ring(), n.membership.Self()
	v := router.MembersView{Cluster: roster.Cluster(), Node: n.cfg.Name, Members: []router.Member{}}
	for _, s := range roster.Stores() {
		m := router.Member{Name: s.Name, State: "absent", Store: string(s.ID), Established: s.Established, Leaving: s.Leaving}
		if s.Established && !s.Leaving {
			m.Partitions = on.Owned(s.Name)
		}
		node, _ := n.directory.Node(s.ID)
		m.Addresses = router.Addresses{HTTP: node.HTTP, Peer: node.Peer, Gossip: node.Gossip}
		status := n.statuses.Get(s.ID)
		if s.ID == self.ID {
			m.Addresses, status = n.addresses, n.status()
		}
		if n.isAnswering(s.ID) {
			m.State = "alive"
		}
		m.Hours, m.Flows = status.Hours, status.Flows
		if status.Drain != nil && s.Leaving {
			m.Drain = &router.Drain{Slices: status.Drain.Slices, Secured: status.Drain.Secured}
		}
		m.Repairing, m.Behind = status.Repairing, status.Behind
		m.Unreadable, m.Recovering = status.Unreadable, status.Recovering
		v.Members = append(v.Members, m)
	}
	slices.SortFunc(v.Members, func(a, b router.Member) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Store, b.Store))
	})
	v.Retention = n.retention.View()
	v.Ring = router.RingView{
		Partitions: on.Partitions(), VirtualNodes: ring.VirtualNodes, HourSlices: n.cfg.HourSlices,
		ReplicationFactor: n.cfg.ReplicationFactor, WriteQuorum: n.cfg.WriteQuorum, Version: on.Version(),
	}
	return v
}

// operatorMembers returns the stores of the roster for the calls of operators.
func (n *Node) operatorMembers() (all []operator.Member) {
	for _, m := range n.membersView().Members {
		all = append(all, operator.Member{
			Name: m.Name, Store: roster.StoreID(m.Store), Peer: m.Addresses.Peer,
			Alive: m.State == "alive", Established: m.Established,
		})
	}
	return all
}

// sample gathers the figures of one scrape.
func (n *Node) sample() metrics.Sample {
	stats := n.store.Stats()
	s := metrics.Sample{
		Store: stats, Status: n.statusOf(stats), Roster: n.membership.Roster(), Members: len(n.members.View().Nodes),
		Answers: n.isAnswering, Proven: n.quorum.Proven(), Version: n.membership.Offer(),
		HoldBack: len(n.membership.HoldBack()), Ready: n.Ready() == nil, ReadyToWrite: n.ReadyToWrite() == nil,
		NoFolder: n.folderMissing(), Fetched: n.replicas.Fetched(), HandedOver: n.replicas.HandedOver(),
		Conflicts: n.replicas.Conflicts(), Scrubs: n.replicas.Scrubs(), DiskRefusals: n.diskRefusals.Load(),
		Memory: n.memory.InUse(), MemoryLimit: n.memory.Limit(), MemoryFull: n.memory.Full(),
		PeerPages: n.peerPages.Refused(), PeerStalled: n.client.Stalled(), Saturated: n.answers.Saturated(),
		Queries: metrics.Queries(n.queries.Stats()), Retention: n.retention.View(),
		Erasures: metrics.Erasures(n.erasures.Stats()), GossipKeys: n.gossipKeys.Keys(), GossipRefused: n.members.Refused(),
		PeerTLS: n.peerTLS.Stats(), PeersPlain: n.unverifiedMembers(), Files: n.files.Stats(),
	}
	s.Ring, s.Fsyncs = n.membership.Ring(), n.journal.Fsyncs()
	s.ClockOffset, s.ClocksCompared = n.clock.Offset()
	s.Connections, s.ConnsRefused = n.publicPort.Connections()
	s.PeerConns, s.PeerConnsRefused = n.peerPort.Connections()
	s.KeysRemembered, s.KeysRefused = n.replicas.KeysRemembered()
	s.HeldByKey = n.replicas.HeldByKey()
	if server := n.peerServer.Load(); server != nil {
		s.PeerRefusals = server.Refused()
		s.PeerStalled += server.Stalled()
	}
	return s
}

// ClockOff reports whether the clock of this machine is more than clock.Limit off the median of the other nodes'
// clocks. It is false while no other node says its clock.
func (n *Node) ClockOff() bool { return n.clock.Off() }

// Verify computes every slice anew from the journal and compares it with memory (P15).
func (n *Node) Verify() error {
	for _, s := range n.store.Slices() {
		if _, err := n.store.Scrub(s); err != nil {
			return fmt.Errorf("verify %s: %w", s, err)
		}
	}
	return nil
}

// The names of the node's own state in the journal, beside the state of package membership.
const (
	stateSettled     = "settled"     // names on the last ring taken over in full, JSON
	stateKnown       = "known"       // gossip addresses of other nodes, JSON, of earlier versions
	stateWhereabouts = "whereabouts" // savedAddresses, JSON
)

// loadNames loads a list of strings from the node's state.
func (n *Node) loadNames(state string) ([]string, error) {
	value, err := n.journal.State(state)
	if err != nil || value == nil {
		return nil, err
	}
	return parseState[[]string](state, value)
}

// parseState reads a value of the node's own state.
func parseState[T any](name string, value []byte) (v T, err error) {
	if err := json.Unmarshal(value, &v); err != nil {
		return v, fmt.Errorf("state %q: %w", name, err)
	}
	return v, nil
}

// saveNames saves a list of strings.
func (n *Node) saveNames(state string, names []string) {
	value, err := json.Marshal(names)
	n.saveState(state, value, err)
}

// saveState saves a value, unless err is set. The saved values only make restarts quicker, so a failure is only logged.
func (n *Node) saveState(state string, value []byte, err error) {
	if err == nil {
		err = n.journal.SetState(state, value)
	}
	if err != nil {
		n.log.Warn("state not saved", "state", state, "error", err)
	}
}

// saveSettled saves the members of the last ring that this store has taken over in full.
func (n *Node) saveSettled(on *ring.Ring) { n.saveNames(stateSettled, on.Members()) }

// ringOf returns the ring of the names; nil if there are none.
func ringOf(names []string, hourSlices int) *ring.Ring {
	if len(names) == 0 {
		return nil
	}
	return ring.New(names, hourSlices)
}
