package node

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"flowring/flow"
	"flowring/internal/safeguard"
	"flowring/node/member"
	"flowring/node/membership"
	"flowring/node/peer"
	"flowring/node/retention"
	"flowring/node/upgrade"
	"flowring/ring/roster"
)

const (
	heartbeatEvery   = time.Second
	heartbeatTimeout = time.Second // a slower heartbeat counts as failed; heartbeats also close circuit breakers
)

// heartbeatLoop sends a heartbeat to every known node, each second and after each change of the set of live nodes.
// Heartbeats exchange rosters and measure reachability. After each round the node takes the steps of membership that
// the replies allow.
func (n *Node) heartbeatLoop(ctx context.Context) {
	for ctx.Err() == nil {
		view := n.members.View() // before checkName: the exchange behind this view has named all other nodes already
		if err := n.checkName(ctx); err != nil {
			n.fail(err)
			return // without a further heartbeat, so that no other node learns of this store
		}
		if len(view.Nodes) > 1 {
			n.nameConfirmed.Store(true)
		}
		n.heartbeat(ctx)
		select {
		case <-time.After(heartbeatEvery):
		case <-n.members.Changed():
			n.replicas.Wake()
		case <-n.retryJoinNow:
		case state := <-n.members.States():
			n.mergeGossip(state)
		case <-ctx.Done():
		}
	}
}

// refreshDirectory takes over the current view. Calls to nodes that left fail at once.
func (n *Node) refreshDirectory() {
	for _, gone := range n.directory.Update(n.members.View()) {
		n.client.MarkSilent(gone.Peer)
	}
}

// mergeGossip merges a roster from the gossip.
func (n *Node) mergeGossip(state []byte) {
	roster, err := roster.Parse(state)
	if err == nil {
		err = n.membership.MergeRoster(roster)
	}
	if err != nil && !membership.OneHasNoCluster(err) {
		n.log.Warn("roster from the gossip", "error", err)
	}
}

// replies are the answers to one round of heartbeats, by store.
type replies map[roster.StoreID]peer.Hello

func (a replies) has(id roster.StoreID) bool {
	_, ok := a[id]
	return ok
}

func (a replies) stores() []roster.Store {
	var all []roster.Store
	for _, hello := range a {
		all = append(all, hello.Store)
	}
	return all
}

// retention returns the reports about retention.
func (a replies) retention() (all []retention.Report) {
	for id, hello := range a {
		all = append(all, retention.Report{Store: id, Closed: hello.Roster.Floors().Closed, Proposal: hello.Retention})
	}
	return all
}

// heartbeat makes one round of heartbeats and acts on the replies.
func (n *Node) heartbeat(ctx context.Context) {
	n.disk.Check()
	n.refreshDirectory()
	n.noteExpected(ctx)
	heard := n.sendHeartbeats(ctx)
	if ctx.Err() != nil {
		return
	}
	for id, hello := range heard {
		n.statuses.Set(id, hello.Status)
	}
	if err := n.join(ctx, heard); err != nil {
		n.log.Error("join", "error", err)
	}
	if err := n.membership.ConfirmClusterName(n.cfg.Cluster, heard.stores()); err != nil {
		n.log.Error("join", "error", err)
	}
	n.forgetFormer(ctx)
	n.forgetAbsent(ctx, heard)
	before := n.membership.Roster()
	n.retention.Step(heard.retention())
	n.upgrade.Step(n.members.View(), heard.stores())
	if !n.membership.Roster().Equal(before) { // no late request and no query waits for the next heartbeat
		n.sendHeartbeats(ctx)
	}
	n.directory.Prune(n.membership.Roster())
	n.updateGossip()
	n.logPresence()
	if n.assess(heard) == nil {
		n.quorum.Settle()
	}
	_ = n.Ready() // updates notReady for shedsConnections
}

// sendHeartbeats calls every known address but its own, in parallel, and compares the clocks of the nodes that answer.
func (n *Node) sendHeartbeats(ctx context.Context) replies {
	ctx, cancel := context.WithTimeout(ctx, heartbeatTimeout)
	defer cancel()
	var mu sync.Mutex
	var wg sync.WaitGroup
	heard, hello, ahead, renew := replies{}, n.hello(), map[roster.StoreID]time.Duration{}, false
	for _, addr := range n.directory.Addrs() {
		if addr == n.addresses.Peer {
			continue
		}
		wg.Go(func() {
			begun := n.clock.Monotonic()
			to, err := n.client.Hello(ctx, addr, hello)
			difference, said := n.clock.Ahead(to.Clock, n.clock.Monotonic()-begun)
			if err != nil {
				n.log.Debug("heartbeat", "address", addr, "error", err)
				n.adoptFromHeartbeat(addr, to, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			renew = n.peerTLS.NoteHello(addr, to.TLS) || renew
			heard[to.Store.ID] = to
			if said {
				ahead[to.Store.ID] = difference
			}
		})
	}
	wg.Wait()
	n.clock.Compare(slices.Collect(maps.Values(ahead)))
	if renew {
		n.client.Renew()
	}
	return heard
}

// join takes the step of joining that this node's state allows.
func (n *Node) join(ctx context.Context, heard replies) error {
	self := n.membership.Self()
	switch {
	case self.Established:
		return nil
	case n.mayEstablish(heard):
		return n.establish(ctx, "confirmed by the cluster")
	case n.mayFound(heard):
		return n.foundCluster(ctx, heard)
	}
	return nil
}

// establish makes this store count, and tells all nodes, so that they place hours as this node does from now on.
func (n *Node) establish(ctx context.Context, why string) error {
	if err := n.membership.SaveClusterName(n.cfg.Cluster); err != nil {
		return err
	}
	if err := n.membership.Establish(upgrade.Aware(n.members.View())); err != nil {
		return err
	}
	store, cluster := n.membership.Self().ID, n.membership.Roster().Cluster()
	n.log.Info("store established", "store", store, "cluster", cluster, "why", why)
	n.sendHeartbeats(ctx)
	return nil
}

// mayEstablish reports whether this store may count towards acks and answer reads. Either W established stores know it;
// or every store of the roster answered, and all established ones, at least one, know it. With fewer confirmations a
// complete read elsewhere could miss this store without noticing.
func (n *Node) mayEstablish(heard replies) bool {
	if n.deps.Disabled.Has(safeguard.Confirmation) && len(heard) > 0 {
		return true
	}
	roster, self := n.membership.Roster(), n.membership.Self()
	if roster.Cluster() == "" {
		return false
	}
	confirmed, all := 0, true
	former := n.membership.Former() // an answering store also stands for its former IDs
	for _, hello := range heard {
		former = append(slices.Clip(former), hello.Former...)
	}
	for _, s := range roster.Stores() {
		if s.ID == self.ID || slices.Contains(former, s.ID) {
			continue
		}
		hello, ok := heard[s.ID]
		if !ok {
			all = false
			continue
		}
		_, knowsMe := hello.Roster.Get(self.ID)
		if knowsMe && hello.Store.Established && !s.Leaving {
			confirmed++
		}
	}
	return confirmed >= n.cfg.WriteQuorum || all && confirmed >= 1
}

// checkName returns an error if another live process with this node's name started earlier, because two processes must
// not take turns as one node. The question does not reveal this node. Until it is answered the node sends and answers
// no heartbeat, because a heartbeat would add its store to the roster for good.
func (n *Node) checkName(ctx context.Context) error {
	// A slower namesake is met again, but this node is known to all by then.
	ctx, cancel := context.WithTimeout(ctx, 2*heartbeatTimeout)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	for _, other := range n.members.Namesakes() {
		if other.Peer == n.addresses.Peer { // an earlier run at the same address
			continue
		}
		g.Go(func() error {
			said, err := n.client.Digest(ctx, other.Peer, flow.Slice{}, "")
			if err != nil || said.From.Name != n.cfg.Name { // dead, or another node has the address now
				return nil
			}
			return fmt.Errorf("another live node is named %s, at %s: every node needs a name of its own", n.cfg.Name, other.Peer)
		})
	}
	return g.Wait()
}

// provisional reports whether this node's store must stay unknown to others, because its name may be taken. An
// established store is on their rosters already, and its acks must carry its roster (P4).
func (n *Node) provisional() bool { return !n.nameConfirmed.Load() && !n.membership.Self().Established }

// updateGossip publishes changes of this node's identity and roster.
func (n *Node) updateGossip() {
	roster := n.membership.Roster()
	n.announceIdentity()
	if state, err := roster.MarshalJSON(); err == nil && !n.provisional() {
		n.members.SetState(state)
	}
	n.saveAddresses()
}

// announceIdentity publishes changes of this node's store, cluster and versions.
func (n *Node) announceIdentity() {
	if err := n.members.SetIdentity(n.gossipIdentity()); err != nil {
		n.log.Debug("announce identity", "error", err)
	}
}

// gossipIdentity returns this node's entry in the gossip.
func (n *Node) gossipIdentity() member.Node {
	return member.Node{
		Name: n.cfg.Name, Store: string(n.membership.Self().ID), Start: n.startNonce, HTTP: n.addresses.HTTP,
		Peer: n.addresses.Peer, Cluster: n.membership.Roster().Cluster(), Params: n.cfg.parameters(), TLS: n.peerTLS.Speaks(),
		Offer: n.membership.Offer().String(),
	}
}
