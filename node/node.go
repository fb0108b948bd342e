package node

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"flowring/internal/browser"
	"flowring/internal/lograte"
	"flowring/internal/safeguard"
	"flowring/node/answer"
	"flowring/node/member"
	"flowring/node/membership"
	"flowring/node/peer"
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
	directory  *directory
	board      board
	absence    absence
	members    *member.Members
	client     *peer.Client
	replicas   *replica.Replicas
	answers    *answer.Reader
	addresses  router.Addresses
	serve      []func() // each begins to serve on a port that is open

	slots  admission.CPUSlots          // for answers to GETs that are written and compressed
	finish func(context.Context) error // ends the public server, whose port was opened last

	called     chan struct{} // a member of a cluster called, while this node belongs to none: it is time for calls of its own
	forgetting chan struct{} // holds a value while a store is being forgotten or drained
	unique     atomic.Bool   // no other live process has this node's name, so far as the gossip tells: it may be known
	expected   atomic.Pointer[expectation]
	founding   atomic.Bool // this store is about to found a cluster
	stopping   atomic.Bool // the node ends, and is not ready
	draining   atomic.Bool // the store is about to leave the roster, or has left; the node is not ready
	unready    atomic.Bool // as Ready said when it was last asked, at least each second
	progress   progress
	presence   presence              // used by the greet loop alone
	apart      atomic.Pointer[error] // why this node talks to nobody; nil: it does not stay apart
	lowDisk    atomic.Bool           // too little of the disk is free to admit writes
	fullCount  atomic.Int64
	memory     atomic.Int64 // bytes in use, as last looked at
	lowMemory  atomic.Bool  // too little memory is left to take POSTs
	peerServer atomic.Pointer[peer.Server]
	peerPages  atomic.Int64    // calls of web pages that the peer port refused
	peerLine   lograte.Limiter // of these in the log
	left       atomic.Bool     // the store has left the roster for good, and W other stores know that
	ending     context.Context // ends when Stop begins
	end        context.CancelFunc
	failed     chan error
	known      []string // gossip addresses last saved; used by the greet loop alone
	stack      []step   // what Start did, to be undone in reverse
	servers    sync.WaitGroup
	loops      sync.WaitGroup // of the background work
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
		deps.Registry = newRegistry()
	}
	if deps.Memory == nil {
		deps.Memory = memoryInUse
	}
	for deps.Origin == 0 {
		deps.Origin = random()
	}
	n := &Node{
		cfg: cfg, deps: deps, log: deps.Log, start: fmt.Sprintf("%016x%08x", time.Now().UnixNano(), uint32(random())),
		slots: admission.NewCPUSlots(admission.DefaultCPUSlots()), directory: newDirectory(), failed: make(chan error, 1), forgetting: make(chan struct{}, 1), called: make(chan struct{}, 1),
	}
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
		{"listen for peers", n.startPeers},
		{"listen for requests", n.startPublic},
		{"join the gossip", n.startMembers},
		{"start the background work", n.startLoops},
		{"answer", n.answer},
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
	n.servers.Wait()
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
			Refuse: n.refuse, Lost: n.lost, Settled: n.saveSettled, Before: ringOf(settled, n.cfg.HourSlices),
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

func (n *Node) startPeers(ctx context.Context) error {
	server := peer.NewServer(peer.ServerConfig{}, peer.ServerDeps{Handler: inward{n}, Log: n.log})
	n.peerServer.Store(server)
	addr, err := n.listen(ctx, settingPeer, n.cfg.PeerAddr, nil,
		func(g *browser.Guard) http.Handler { return n.guardPeers(g, server) })
	n.started("peer streams", func(ctx context.Context) error { server.Shutdown(ctx); return nil })
	n.addresses.Peer = addr
	return err
}

func (n *Node) startPublic(ctx context.Context) error {
	handler := func(g *browser.Guard) http.Handler {
		return router.New(router.Config{
			MaxBody: n.cfg.MaxBody, MaxHours: n.cfg.MaxHoursPerRequest, AnyHour: n.cfg.AnyHour, MaxBuffered: n.cfg.maxBuffered(), MaxPosts: n.cfg.maxPosts(), MaxWait: n.cfg.MaxWait,
			MaxReading: n.cfg.MaxReads, BodyTimeout: n.cfg.BodyTimeout, MaxLong: n.cfg.MaxLongAnswers, ReadOrigins: n.cfg.ReadOrigin,
		}, router.Deps{
			Cluster: public{n}, Log: n.log, Registry: n.deps.Registry, Full: n.lowMemory.Load, CPUSlots: n.slots, Unready: n.sendAway,
			Guard: g, Metrics: promhttp.HandlerFor(n.deps.Registry, promhttp.HandlerOpts{}),
		})
	}
	addr, err := n.listen(ctx, settingHTTP, n.cfg.HTTPAddr, n.cfg.TrustedOrigin, handler)
	n.addresses.HTTP = addr
	return err
}

// listen opens a port and returns the address that others reach it at. Who connects waits until answer: calls that came earlier
// would meet a node that is only half there. The handler is made for the guard of the port, which trusts the origins.
func (n *Node) listen(ctx context.Context, setting, addr string, trusted []string, handler func(*browser.Guard) http.Handler) (string, error) {
	l, err := n.deps.Network.Listen(ctx, "tcp", addr)
	if err != nil {
		return "", fmt.Errorf("%s: %w", setting, err)
	}
	guard, err := n.guard(l, addr, trusted)
	if err != nil {
		return "", errors.Join(err, l.Close())
	}
	var idle unused
	server := &http.Server{
		ConnState: idle.track,
		Handler:   handler(guard), ErrorLog: slog.NewLogLogger(n.log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 1 << 20,
	}
	n.serve = append(n.serve, func() {
		n.servers.Go(func() {
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				n.fail(fmt.Errorf("%s: %w", setting, err))
			}
		})
	})
	stop := func(ctx context.Context) error {
		shutdown := func() error { return server.Shutdown(ctx) }
		if idle.shutDown(shutdown) != nil { // requests that outlast ctx are cut off
			server.Close()
		}
		l.Close() // the server knows it only once it serves
		return nil
	}
	n.started("server of "+setting, stop)
	n.finish = stop
	_, port, err := net.SplitHostPort(l.Addr().String())
	return net.JoinHostPort(n.cfg.AdvertiseHost, port), err
}

// answer begins to serve on the ports that are open: all that the handlers use is there now.
func (n *Node) answer(context.Context) error {
	for _, serve := range n.serve {
		serve()
	}
	n.started("requests", n.finish) // before all else: what they need goes on until they are done
	return nil
}

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
	n.progress.contact = time.Now() // the wait for the data folder does not count
	n.registerMetrics()
	ctx, cancel := context.WithCancel(context.Background())
	n.loops.Go(func() { n.greetLoop(ctx) })
	n.loops.Go(func() { n.tellUnready(ctx) })
	if !n.deps.Disabled.Has(safeguard.Folder) {
		n.loops.Go(func() { n.watchFolder(ctx) })
	}
	if n.cfg.MemoryLimit > 0 {
		n.loops.Go(func() { n.watchMemory(ctx) })
	}
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
	case n.lost():
		return n.journal.Missing()
	}
	return n.assess(nil)
}

// assess takes in the stores that answered now and returns why this node is not ready, nil if it is.
func (n *Node) assess(heard answers) error {
	n.progress.Lock()
	defer n.progress.Unlock()
	next, reason := n.progress.step(n.sees(heard))
	n.progress.readiness = next
	return reason
}

// sees returns what is known now, with the stores that answered.
func (n *Node) sees(heard answers) sight {
	s := sight{
		now: time.Now(), quorum: n.cfg.WriteQuorum, self: n.membership.Self(), roster: n.membership.Roster(),
		heard: slices.Collect(maps.Keys(heard)), contact: n.members.Contact(), joining: n.waitsFor(), refusal: n.members.Refusal(),
		tried: n.members.Tried(), recovering: n.replicas.Recovering(), disabled: n.deps.Disabled,
	}
	s.apart = n.stays()
	if len(heard) > 0 || len(n.members.View().Nodes) > 1 {
		s.contact = s.now
	}
	return s
}

// ReadyToWrite returns nil when a POST could be stored now, and otherwise why not. A node that is ready may be unable to write.
func (n *Node) ReadyToWrite() error {
	if err := n.Ready(); err != nil {
		return err
	}
	switch {
	case n.lowMemory.Load():
		return errors.New("too little memory is left for more POSTs")
	case n.lowDisk.Load():
		return n.tooFull()
	}
	return n.replicas.Enough()
}

// Members describes the cluster as this node sees it.
func (n *Node) Members() router.MembersView { return n.view() }

// Name returns the node's name, that of the data folder where none was set. It is set by Start.
func (n *Node) Name() string { return n.cfg.Name }

// Addresses returns where the node is reached, with the real ports where the configuration asked for port 0. It is set by Start.
func (n *Node) Addresses() router.Addresses { return n.addresses }
