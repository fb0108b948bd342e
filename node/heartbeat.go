package node

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"flowring/flow"
	"flowring/internal/safeguard"
	"flowring/node/member"
	"flowring/node/membership"
	"flowring/node/peer"
	"flowring/ring/roster"
)

const (
	heartbeatEvery   = time.Second
	heartbeatTimeout = time.Second // a greeting that takes longer failed: it also closes circuit breakers
)

// greetLoop greets every node that is known, each second and whenever the set of live nodes changes. That exchanges rosters,
// finds out who is reachable, and takes the steps of joining that the replies allow.
func (n *Node) heartbeatLoop(ctx context.Context) {
	for ctx.Err() == nil {
		view := n.members.View() // before namesake: the exchange that brought it has named all other nodes by then
		if err := n.checkName(ctx); err != nil {
			n.fail(err)
			return // to be known to nobody any further
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

// follow takes in a changed view: who left is not waited for any more.
func (n *Node) refreshDirectory() {
	for _, gone := range n.directory.Update(n.members.View()) {
		n.client.MarkSilent(gone.Peer)
	}
}

// learn takes in a roster that came with the gossip.
func (n *Node) mergeGossip(state []byte) {
	roster, err := roster.Parse(state)
	if err == nil {
		err = n.membership.MergeRoster(roster)
	}
	if err != nil && !membership.OneHasNoCluster(err) {
		n.log.Warn("roster from the gossip", "error", err)
	}
}

// answers are the nodes that answered a greeting, by store.
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

// meet greets everybody once and acts on the answers.
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
	n.directory.Prune(n.membership.Roster())
	n.updateGossip()
	n.logPresence()
	_ = n.assess(heard)
	_ = n.Ready() // so that sendAway knows
}

// greetAll greets every known address but its own, in parallel.
func (n *Node) sendHeartbeats(ctx context.Context) replies {
	ctx, cancel := context.WithTimeout(ctx, heartbeatTimeout)
	defer cancel()
	var mu sync.Mutex
	var wg sync.WaitGroup
	heard, hello := replies{}, n.hello()
	for _, addr := range n.directory.Addrs() {
		if addr == n.addresses.Peer {
			continue
		}
		wg.Go(func() {
			to, err := n.client.Hello(ctx, addr, hello)
			if err != nil {
				n.log.Debug("greet", "address", addr, "error", err)
				n.adoptFromHeartbeat(addr, to, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			heard[to.Store.ID] = to
		})
	}
	wg.Wait()
	return heard
}

// join takes the step of joining that this node's state allows (design, section 4).
func (n *Node) join(ctx context.Context, heard replies) error {
	self := n.membership.Self()
	switch {
	case self.Established:
		return nil
	case n.mayEstablish(heard):
		return n.establish("confirmed by the cluster")
	case n.mayFound(heard):
		return n.foundCluster(ctx, heard)
	}
	return nil
}

func (n *Node) establish(why string) error {
	self := n.membership.Self()
	self.Established = true
	if err := n.membership.SaveClusterName(n.cfg.Cluster); err != nil {
		return err
	}
	if err := n.membership.Mark(self); err != nil {
		return err
	}
	n.log.Info("store established", "store", self.ID, "cluster", n.membership.Roster().Cluster(), "why", why)
	return nil
}

// mayEstablish reports whether this store may count towards acks and answer reads: W established stores know it, or every store
// of its roster answered and those of them that are established, at least one, know it. With fewer confirmations a complete read
// elsewhere could leave this store out without noticing.
func (n *Node) mayEstablish(heard replies) bool {
	if n.deps.Disabled.Has(safeguard.Confirmation) && len(heard) > 0 {
		return true
	}
	roster, self := n.membership.Roster(), n.membership.Self()
	if roster.Cluster() == "" {
		return false
	}
	confirmed, all := 0, true
	former := n.membership.Former() // a store that replies stands for the IDs that it gave up as well
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

// namesake returns an error if another live process has this node's name and was there first: it must not be that two processes
// take turns at being one node. What it asks the other one tells that nothing of this node, and until it has asked this node neither
// greets nor replies a greeting: that would put its store on the roster, where it would be missed ever after.
func (n *Node) checkName(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*heartbeatTimeout) // a namesake that is only slow is met again, but known to all by then
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	for _, other := range n.members.Namesakes() {
		if other.Peer == n.addresses.Peer { // an earlier life at the same address
			continue
		}
		g.Go(func() error {
			said, err := n.client.Digest(ctx, other.Peer, flow.Slice{}, "")
			if err != nil || said.From.Name != n.cfg.Name { // dead, or its address has another node now
				return nil
			}
			return fmt.Errorf("another live node is named %s, at %s: every node needs a name of its own", n.cfg.Name, other.Peer)
		})
	}
	return g.Wait()
}

// hidden reports whether others must not be told of this node's store, for it may be one too many. A store that is established is on
// their rosters, and its acks must carry what it knows (P4).
func (n *Node) provisional() bool { return !n.nameConfirmed.Load() && !n.membership.Self().Established }

// announce tells the gossip what changed about this node.
func (n *Node) updateGossip() {
	roster := n.membership.Roster()
	if err := n.members.SetIdentity(string(n.membership.Self().ID), roster.Cluster()); err != nil {
		n.log.Debug("announce identity", "error", err)
	}
	if state, err := roster.MarshalJSON(); err == nil && !n.provisional() {
		n.members.SetState(state)
	}
	n.saveAddresses()
}

// self returns what the gossip is told of this node.
func (n *Node) gossipIdentity() member.Node {
	return member.Node{
		Name: n.cfg.Name, Store: string(n.membership.Self().ID), Start: n.startNonce, HTTP: n.addresses.HTTP, Peer: n.addresses.Peer,
		Cluster: n.membership.Roster().Cluster(), Params: n.cfg.parameters(),
	}
}
