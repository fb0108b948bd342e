package node

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"flowring/internal/lograte"
	"flowring/internal/safeguard"
	"flowring/node/answer"
	"flowring/node/capacity"
	"flowring/node/directory"
	"flowring/node/member"
	"flowring/node/membership"
	"flowring/node/metrics"
	"flowring/node/peer"
	"flowring/node/port"
	"flowring/node/readiness"
	"flowring/node/replica"
	"flowring/ring"
	"flowring/ring/roster"
	"flowring/router"
	"flowring/router/admission"
	"flowring/store"
	"flowring/store/journal"
)

// Deps are a node's collaborators. The zero value is that of the program that ships.
type Deps struct {
	Log      *slog.Logger         // nil: silent
	Network  Network              // nil: the machine's
	Registry *prometheus.Registry // nil: one of the node's own
	FS       journal.FS           // nil: the machine's

	NameIsDefault bool // Config.Name was not set by anybody: a data folder's own name goes before it

	// For tests alone.
	Fatal       func(error)   // instead of ending the process when the disk fails for good; see journal.Options
	Memory      func() int64  // bytes that the process has in use, instead of the real number
	Origin      uint64        // instead of a random one; 0: random
	Rejoin      time.Duration // instead of member.DefaultRejoinEvery
	SealBatches int           // instead of the default of replica.Config
	Disabled    safeguard.Set // safeguards that are off
}

// Node is one member of the cluster.
type Node struct {
	cfg   Config
	deps  Deps
	log   *slog.Logger
	start string // nonce of this start; later ones compare greater

	journal    *journal.Journal
	store      *store.Store
	membership *membership.State
	directory  *directory.Directory
	statuses   directory.Statuses
	absence    directory.Absence
	members    *member.Members
	client     *peer.Client
	replicas   *replica.Replicas
	answers    *answer.Reader
	addresses  router.Addresses
	ports      []*port.Server
	publicPort *port.Server

	slots admission.CPUSlots // for answers to GETs that are written and compressed

	called       chan struct{} // a member of a cluster called, while this node belongs to none: it is time for calls of its own
	forgetting   chan struct{} // holds a value while a store is being forgotten or drained
	unique       atomic.Bool   // no other live process has this node's name, so far as the gossip tells: it may be known
	expected     atomic.Pointer[expectation]
	founding     atomic.Bool // this store is about to found a cluster
	stopping     atomic.Bool // the node ends, and is not ready
	draining     atomic.Bool // the store is about to leave the roster, or has left; the node is not ready
	unready      atomic.Bool // as Ready said when it was last asked, at least each second
	readiness    readiness.Tracker
	presence     directory.Presence    // used by the greet loop alone
	apart        atomic.Pointer[error] // why this node talks to nobody; nil: it does not stay apart
	disk         *capacity.Disk
	memory       *capacity.Memory
	diskRefusals atomic.Int64 // writes refused for want of disk space
	peerServer   atomic.Pointer[peer.Server]
	peerPages    atomic.Int64    // calls of web pages that the peer port refused
	peerLine     lograte.Limiter // of these in the log
	left         atomic.Bool     // the store has left the roster for good, and W other stores know that
	ending       context.Context // ends when Stop begins
	end          context.CancelFunc
	failed       chan error
	known        []string       // gossip addresses last saved; used by the greet loop alone
	stack        []step         // what Start did, to be undone in reverse
	loops        sync.WaitGroup // of the background work
}

// step is one part that was started.
type step struct {
	name string
	stop func(context.Context) error
}

// New checks the configuration and returns an inert node.
func New(cfg Config, deps Deps) (*Node, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if deps.Network == nil {
		deps.Network = newMachine()
	}
	if deps.Registry == nil {
		deps.Registry = metrics.NewRegistry()
	}
	for deps.Origin == 0 {
		deps.Origin = random()
	}
	n := &Node{
		cfg: cfg, deps: deps, log: deps.Log, start: fmt.Sprintf("%016x%08x", time.Now().UnixNano(), uint32(random())),
		slots: admission.NewCPUSlots(admission.DefaultCPUSlots()), directory: directory.New(), failed: make(chan error, 1), forgetting: make(chan struct{}, 1), called: make(chan struct{}, 1),
	}
	n.memory = capacity.NewMemory(cfg.MemoryLimit, deps.Memory, deps.Log)
	n.expected.Store(&expectation{})
	n.unready.Store(true)
	n.ending, n.end = context.WithCancel(context.Background())
	return n, nil
}

func random() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return binary.BigEndian.Uint64(b[:])
}

// Start opens the data folder, listens, begins to join, and returns; ctx bounds the start alone. Stop must follow, even when it fails.
func (n *Node) Start(ctx context.Context) error {
	for _, part := range []struct {
		name  string
		start func(context.Context) error
	}{
		{"try the ports", n.tryPorts},
		{"open the data folder", n.openStore},
		{"listen for peers", n.openPeerPort},
		{"listen for requests", n.openPublicPort},
		{"join the gossip", n.startMembers},
		{"start the background work", n.startLoops},
		{"serve", n.serve},
	} {
		if err := part.start(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	n.log.Info("node started", "node", n.cfg.Name, "store", n.membership.Self().ID, "http", n.addresses.HTTP,
		"peer", n.addresses.Peer, "gossip", n.addresses.Gossip)
	return nil
}

// started puts a part on the stack of what Stop stops.
func (n *Node) started(name string, stop func(context.Context) error) {
	n.stack = append(n.stack, step{name, stop})
}

// Stop accepts no more connections, finishes requests, puts what the node holds on W other live stores where there are so many, leaves the
// gossip and closes; what ctx cuts short is closed at once. Every goroutine of the node has ended when it returns.
func (n *Node) Stop(ctx context.Context) error {
	n.stopping.Store(true)
	n.end()
	var errs []error
	for i := len(n.stack) - 1; i >= 0; i-- {
		begun := time.Now()
		if err := n.stack[i].stop(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop: %s: %w", n.stack[i].name, err))
		}
		n.log.Debug("stopped", "part", n.stack[i].name, "took", time.Since(begun))
	}
	n.stack = nil
	for _, p := range n.ports {
		p.Wait()
	}
	return errors.Join(errs...)
}

// Abort stops the node as a crash would: nothing is finished, handed over or announced.
func (n *Node) Abort() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return n.Stop(ctx)
}

func (n *Node) openStore(ctx context.Context) error {
	j, err := n.openJournal(ctx)
	if err != nil {
		return err
	}
	n.journal = j
	n.started("journal", func(context.Context) error { return j.Close() })
	n.disk = capacity.NewDisk(n.cfg.MinFree, j.FreeBytes, n.log)
	n.store = store.New(store.Config{MemoryBudget: n.cfg.MemoryLimit / 2, Limits: n.cfg.storeLimits()}, store.Deps{Journal: j, Log: n.log})
	if err := n.store.Open(); err != nil {
		return err
	}
	if err := n.openMembership(); err != nil {
		return err
	}
	settled, err := n.loadNames(stateSettled)
	if err != nil {
		return err
	}
	var rosters peer.Rosters = n.membership
	if n.deps.Disabled.Has(safeguard.MergeRosters) {
		rosters = deafRosters{n.membership}
	}
	n.client = peer.NewClient(peer.ClientDeps{Rosters: rosters, Dial: n.deps.Network.DialContext})
	n.started("peer connections", func(context.Context) error { n.client.Close(); return nil })
	n.replicas = replica.New(n.deps.Origin,
		replica.Config{
			Copies: n.cfg.ReplicationFactor, Quorum: n.cfg.WriteQuorum, Slices: n.cfg.HourSlices, SealAfter: n.cfg.SealAfter, SealBatches: n.deps.SealBatches,
			Keys:     n.cfg.RememberedKeys,
			Disabled: n.deps.Disabled,
		},
		replica.Deps{
			Log: n.log, Cluster: cluster{n}, Peers: outward{n.client}, Store: n.store, NotSent: peer.NotSent, Unheard: peer.Unheard, Fail: n.fail,
			Refuse: n.refuseWrite, Lost: n.folderMissing, Settled: n.saveSettled, Before: ringOf(settled, n.cfg.HourSlices),
		})
	n.answers = answer.New(
		answer.Config{Slices: n.cfg.HourSlices, Disabled: n.deps.Disabled},
		answer.Deps{Replicas: n.replicas, Client: n.client, CPUSlots: n.slots})
	if n.membership.Fresh() {
		n.replicas.Recovered()
	}
	return nil
}

// openMembership loads the store's identity, the cluster's name and the rules of placement from the journal.
func (n *Node) openMembership() (err error) {
	cfg := membership.Config{Name: n.cfg.Name, NameIsDefault: n.deps.NameIsDefault, Slices: n.cfg.HourSlices}
	if n.deps.Disabled.Has(safeguard.LostDisk) {
		cfg.NewID = membership.IDOfName
	}
	n.membership, err = membership.Open(cfg, membership.Deps{
		Journal: n.journal, Log: n.log, Draining: n.draining.Load, FollowAny: n.deps.Disabled.Has(safeguard.Adoption),
	})
	if err != nil {
		return err
	}
	n.cfg.Name = n.membership.Name()
	if n.cfg.Cluster, err = n.membership.UseClusterName(n.cfg.Cluster, n.cfg.RenameCluster); err != nil {
		return err
	}
	return membership.CheckPlacement(n.journal, n.cfg.HourSlices)
}

// deafRosters learns nothing from answers but that there is a cluster: the negative control of merging rosters before acks are counted.
type deafRosters struct{ *membership.State }

// MergeRoster implements peer.Rosters.
func (d deafRosters) MergeRoster(o roster.Roster) error {
	if d.Roster().Cluster() == "" {
		return d.State.MergeRoster(o)
	}
	return nil
}

// cluster is the node as replica sees it.
type cluster struct{ *Node }

// Self implements replica.Cluster.
func (c cluster) Self() roster.Store { return c.membership.Self() }

// Roster implements replica.Cluster.
func (c cluster) Roster() roster.Roster { return c.membership.Roster() }

// Ring implements replica.Cluster.
func (c cluster) Ring() *ring.Ring { return c.membership.Ring() }

// Addr implements replica.Cluster.
func (c cluster) Addr(id roster.StoreID) string { return c.directory.Addr(id) }

func (n *Node) startMembers(ctx context.Context) error {
	key, err := readKey(n.cfg.GossipKeyFile)
	if err != nil {
		return err
	}
	n.members = member.New(member.Config{
		GossipAddr: n.cfg.GossipAddr, AdvertiseHost: n.cfg.AdvertiseHost, Join: n.cfg.Join,
		Label: n.cfg.Cluster, Key: key, RejoinEvery: n.deps.Rejoin,
		Adopt: n.adoptCluster, Disabled: n.deps.Disabled,
	}, member.Deps{Log: n.log, Network: n.deps.Network})
	n.started("gossip", func(context.Context) error { return n.members.Stop() })
	if n.addresses.Gossip, err = n.members.Listen(ctx); err != nil {
		return fmt.Errorf("%s: %w", settingGossip, err)
	}
	if err := n.goBack(); err != nil {
		return err
	}
	return n.members.Start(n.self())
}

// startLoops starts what runs in the background, which is stopped before anything else is.
func (n *Node) startLoops(context.Context) error {
	n.membership.OnChange(n.replicas.Wake)
	n.readiness.Start(time.Now()) // the wait for the data folder does not count
	n.deps.Registry.MustRegister(metrics.NewCollector(n.sample))
	ctx, cancel := context.WithCancel(context.Background())
	n.loops.Go(func() { n.greetLoop(ctx) })
	n.loops.Go(func() { n.tellUnready(ctx) })
	if !n.deps.Disabled.Has(safeguard.Folder) {
		n.loops.Go(func() { n.watchFolder(ctx) })
	}
	n.loops.Go(func() { n.memory.Watch(ctx) })
	n.replicas.Start()
	n.started("background work", func(context.Context) error {
		cancel()
		n.replicas.Stop()
		n.loops.Wait()
		return nil
	})
	n.started("hand over", n.leave)
	return nil
}

// Failed is sent at most one error: the one after which the node cannot go on.
func (n *Node) Failed() <-chan error { return n.failed }

func (n *Node) fail(err error) {
	select {
	case n.failed <- err:
	default:
	}
}

// sendAway reports whether clients are asked to close their connections and to come back by others, which lead to another node where
// a balancer is between: a balancer such as kube-proxy never cuts an open connection.
func (n *Node) sendAway() bool { return n.unready.Load() || n.stopping.Load() || n.draining.Load() }

// Ready returns nil when the node may be sent requests, and otherwise why not.
func (n *Node) Ready() error {
	err := n.ready()
	n.unready.Store(err != nil)
	return err
}

func (n *Node) ready() error {
	switch {
	case n.stopping.Load():
		return errors.New("stopping")
	case n.left.Load():
		return errors.New("drained: the store of this node has left the cluster")
	case n.draining.Load():
		secured, all := n.replicas.Secured()
		return fmt.Errorf("draining: %d of %d slices are on enough other stores", secured, all)
	case n.folderMissing():
		return n.journal.Missing()
	}
	return n.assess(nil)
}

// assess takes in the stores that answered now and returns why this node is not ready, nil if it is.
func (n *Node) assess(heard answers) error {
	return n.readiness.Observe(func() readiness.Observation { return n.observe(heard) })
}

// observe returns the information on which readiness depends, with the stores that answered now.
func (n *Node) observe(heard answers) readiness.Observation {
	o := readiness.Observation{
		Now: time.Now(), Quorum: n.cfg.WriteQuorum, Self: n.membership.Self(), Roster: n.membership.Roster(),
		Answered: slices.Collect(maps.Keys(heard)), Contact: n.members.Contact(), Joining: n.waitsFor(), Apart: n.stays(),
		Refusal: n.members.Refusal(), Tried: n.members.Tried(), Recovering: n.replicas.Recovering(), Disabled: n.deps.Disabled,
	}
	if len(heard) > 0 || len(n.members.View().Nodes) > 1 {
		o.Contact = o.Now
	}
	return o
}

// ReadyToWrite returns nil when a POST could be stored now, and otherwise why not. A node that is ready may be unable to write.
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
	return n.replicas.Enough()
}

// Members describes the cluster as this node sees it.
func (n *Node) Members() router.MembersView { return n.view() }

// Name returns the node's name, that of the data folder where none was set. It is set by Start.
func (n *Node) Name() string { return n.cfg.Name }

// Addresses returns where the node is reached, with the real ports where the configuration asked for port 0. It is set by Start.
func (n *Node) Addresses() router.Addresses { return n.addresses }
