package node

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"flowring/internal/compat"
	"flowring/internal/reload"
	"flowring/internal/safeguard"
	"flowring/node/answer"
	"flowring/node/backup"
	"flowring/node/capacity"
	"flowring/node/clock"
	"flowring/node/directory"
	"flowring/node/erasure"
	"flowring/node/expiry"
	"flowring/node/founding"
	"flowring/node/keyring"
	"flowring/node/member"
	"flowring/node/membership"
	"flowring/node/metrics"
	"flowring/node/peer"
	"flowring/node/peer/mtls"
	"flowring/node/port"
	"flowring/node/queries"
	"flowring/node/quorum"
	"flowring/node/readiness"
	"flowring/node/replica"
	"flowring/node/retention"
	"flowring/node/upgrade"
	"flowring/ring"
	"flowring/ring/roster"
	"flowring/router"
	"flowring/router/admission"
	"flowring/store"
	"flowring/store/journal"
)

// Deps are a node's collaborators. The shipped program uses the zero value.
type Deps struct {
	Log      *slog.Logger         // nil: silent
	Network  Network              // nil: the machine's
	Registry *prometheus.Registry // nil: one of the node's own
	FS       journal.FS           // nil: the machine's

	NameIsDefault bool // no operator set Config.Name: the name in the data folder replaces it

	// For tests alone.
	Now         func() time.Time     // the wall clock that heartbeats compare; nil: clock.Now
	Monotonic   func() time.Duration // the time that retention counts as uptime; nil: that of the process
	Fatal       func(error)          // called instead of ending the process after a fatal disk error; see journal.Options
	Memory      func() int64         // bytes in use by the process, instead of the real number
	Origin      uint64               // instead of a random one; 0: random
	Rejoin      time.Duration        // instead of member.DefaultRejoinEvery
	SealBatches int                  // instead of the default of replica.Config
	Disabled    safeguard.Set        // safeguards that are off
	Speaks      compat.Range         // versions, instead of compat.Spoken
	CPUSlots    admission.CPUSlots   // for answers, instead of the default number; nil: the default
}

// Node is one node of the cluster. Its methods are safe for concurrent use, except Start and Stop.
type Node struct {
	cfg        Config
	deps       Deps
	log        *slog.Logger
	startNonce string // nonce of this start; those of later starts compare greater

	journal    *journal.Journal
	store      *store.Store
	membership *membership.State
	expiry     *expiry.Deleter
	quorum     *quorum.Guard
	directory  *directory.Directory
	statuses   directory.Statuses
	clock      *clock.Clock
	members    *member.Members
	peerTLS    *mtls.Guard // nil: the peer port is plain
	client     *peer.Client
	replicas   *replica.Replicas
	answers    *answer.Reader
	queries    *queries.Queries
	backups    *backup.Backups
	disk       *capacity.Disk
	memory     *capacity.Memory
	readiness  readiness.Tracker
	gossipKeys *keyring.File // nil: plain gossip
	addresses  router.Addresses
	ports      []*port.Server
	publicPort *port.Server
	peerPort   *port.Server
	files      *reload.Set // the files of credentials that are read again when they change
	peerServer atomic.Pointer[peer.Server]
	cpuSlots   admission.CPUSlots // for writing and compressing answers to GETs

	// For membership.
	retryJoinNow  chan struct{} // asks for a round of heartbeats and joins: a member called this node of no cluster
	removal       chan struct{} // holds a value while this node forgets a store or drains
	nameConfirmed atomic.Bool   // no other live process has this node's name, as far as the gossip knows
	expected      atomic.Pointer[founding.Expectation]
	founding      atomic.Bool           // this store is about to found a cluster
	stopping      atomic.Bool           // the node stops, and is not ready
	draining      atomic.Bool           // the store is about to leave the roster, or has left; the node is not ready
	departed      atomic.Bool           // the store has left the roster for good, and W other stores know it
	notReady      atomic.Bool           // the last result of Ready, which runs at least once a second
	apartReason   atomic.Pointer[error] // why this node talks to no other node; nil: it does not stay apart

	// For the goroutine of heartbeatLoop alone.
	absence        directory.Absence
	presence       directory.Presence
	savedAddresses []string // gossip addresses last saved
	upgrade        upgrade.Upgrade
	retention      *retention.Keeper
	erasures       *erasure.Erasures

	diskRefusals atomic.Int64 // writes refused for want of disk space
	peerPages    port.Pages   // refuses calls of web pages at the peer port

	stopCtx       context.Context // ends when Stop begins
	cancelStopCtx context.CancelFunc
	failed        chan error
	steps         []step         // the started parts; Stop undoes them in reverse order
	loops         sync.WaitGroup // background work
}

// step is one started part.
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
	if deps.Now == nil {
		deps.Now = clock.Now
	}
	if deps.CPUSlots == nil {
		deps.CPUSlots = admission.NewCPUSlots(admission.DefaultCPUSlots())
	}
	for deps.Origin == 0 {
		deps.Origin = random()
	}
	n := &Node{
		cfg: cfg, deps: deps, log: deps.Log, startNonce: fmt.Sprintf("%016x%08x", time.Now().UnixNano(), uint32(random())),
		cpuSlots: deps.CPUSlots, directory: directory.New(),
		failed: make(chan error, 1), removal: make(chan struct{}, 1), retryJoinNow: make(chan struct{}, 1),
	}
	n.clock = clock.New(deps.Now, deps.Monotonic, deps.Log)
	n.files = reload.NewSet(deps.Log)
	n.memory = capacity.NewMemory(cfg.MemoryLimit, deps.Memory, deps.Log)
	n.expected.Store(&founding.Expectation{})
	n.notReady.Store(true)
	n.stopCtx, n.cancelStopCtx = context.WithCancel(context.Background())
	return n, nil
}

func random() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return binary.BigEndian.Uint64(b[:])
}

// Start opens the data folder, listens, begins to join, and returns. ctx bounds the start alone. Stop must follow, even
// after an error.
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

// pushStep adds a started part, for Stop.
func (n *Node) pushStep(name string, stop func(context.Context) error) {
	n.steps = append(n.steps, step{name, stop})
}

// Stop accepts no more connections, finishes requests, puts the node's batches on W other live stores if there are so
// many, leaves the gossip and closes. Once ctx ends, the remaining steps only close. All goroutines of the node have
// ended when Stop returns.
func (n *Node) Stop(ctx context.Context) error {
	n.stopping.Store(true)
	n.cancelStopCtx()
	var errs []error
	for i := len(n.steps) - 1; i >= 0; i-- {
		begun := time.Now()
		if err := n.steps[i].stop(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop: %s: %w", n.steps[i].name, err))
		}
		n.log.Debug("stopped", "part", n.steps[i].name, "took", time.Since(begun))
	}
	n.steps = nil
	for _, p := range n.ports {
		p.Wait()
	}
	return errors.Join(errs...)
}

// Abort stops the node like a crash: it finishes, hands over and announces nothing.
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
	n.pushStep("journal", func(context.Context) error { return j.Close() })
	if n.backups, err = backup.New(backup.Deps{Dir: n.cfg.BackupDir, Journal: j, Log: n.log}); err != nil {
		return fmt.Errorf("--backup-dir: %w", err)
	}
	n.pushStep("backup", func(context.Context) error { n.backups.Stop(); return nil })
	n.disk = capacity.NewDisk(n.cfg.MinFree, j.FreeBytes, n.log)
	n.store = store.New(
		store.Config{MemoryBudget: n.cfg.MemoryLimit / 2, Limits: n.cfg.storeLimits(n.clock), Disabled: n.deps.Disabled},
		store.Deps{Journal: j, Log: n.log})
	if err := n.store.Open(); err != nil {
		return err
	}
	if err := n.openMembership(); err != nil {
		return err
	}
	n.expiry = expiry.New(n.store, n.log)
	n.membership.OnHours(n.expiry.Obey)
	settled, err := n.loadNames(stateSettled)
	if err != nil {
		return err
	}
	if err := n.openClient(); err != nil {
		return err
	}
	n.replicas = replica.New(n.deps.Origin,
		replica.Config{
			Copies: n.cfg.ReplicationFactor, Quorum: n.cfg.WriteQuorum, Slices: n.cfg.HourSlices, SealAfter: n.cfg.SealAfter,
			SealBatches: n.deps.SealBatches, ScrubPeriod: n.cfg.ScrubPeriod, Keys: n.cfg.RememberedKeys,
			Disabled: n.deps.Disabled,
		},
		replica.Deps{
			Log: n.log, Cluster: cluster{n}, Peers: peerCaller{n.client}, Store: n.store,
			NotSent: peer.NotSent, Silent: peer.Unheard, Fail: n.fail,
			Refuse: n.refuseWrite, DiskLost: n.folderMissing, Acked: metrics.AckSeconds(n.deps.Registry),
			RingSettled: n.saveSettled, LastSettled: ringOf(settled, n.cfg.HourSlices),
		})
	n.answers = answer.New(answer.Config{Slices: n.cfg.HourSlices, Disabled: n.deps.Disabled},
		answer.Deps{Replicas: n.replicas, Client: n.client, CPUSlots: n.cpuSlots})
	n.queries = queries.New(n.cfg.queries(n.deps),
		queries.Deps{Replicas: n.replicas, Store: n.store, Client: n.client, CPUSlots: n.cpuSlots})
	n.erasures = erasure.New(erasure.Config{
		Quorum: n.cfg.WriteQuorum, Ranges: n.cfg.MaxErasedRanges, Disabled: n.deps.Disabled,
	}, erasure.Deps{
		State: n.membership, Heartbeats: func(ctx context.Context) quorum.Replies { return n.sendHeartbeats(ctx) },
		Proven: n.quorum.Proven, Hours: n.queries.Hours, Census: n.queries.Census, Now: n.deps.Now, Log: n.log,
	})
	if n.membership.Fresh() {
		n.replicas.MarkRecovered()
	}
	return nil
}

// openClient prepares the calls to other nodes.
func (n *Node) openClient() error {
	if err := n.openPeerTLS(); err != nil {
		return err
	}
	var rosters peer.Rosters = n.membership
	if n.deps.Disabled.Has(safeguard.MergeRosters) {
		rosters = membership.Deaf{State: n.membership}
	}
	n.client = peer.NewClient(peer.ClientDeps{
		Rosters: rosters, Dial: n.peerTLS.Dial(n.deps.Network.DialContext), Caller: n.cfg.Name + " " + n.cfg.AdvertiseHost,
	})
	n.pushStep("peer connections", func(context.Context) error { n.client.Close(); return nil })
	return nil
}

// openMembership loads the store's identity, the cluster's name and the rules of placement from the journal.
func (n *Node) openMembership() (err error) {
	cfg := membership.Config{
		Name: n.cfg.Name, NameIsDefault: n.deps.NameIsDefault, Slices: n.cfg.HourSlices, Speaks: n.deps.Speaks,
	}
	if n.deps.Disabled.Has(safeguard.LostDisk) {
		cfg.NewID = membership.IDOfName
	}
	n.membership, err = membership.Open(cfg, membership.Deps{
		Journal: n.journal, Log: n.log, Draining: n.draining.Load, FollowAny: n.deps.Disabled.Has(safeguard.Adoption),
		DropUnknown: n.deps.Disabled.Has(safeguard.KeepUnknown), DropFloors: n.deps.Disabled.Has(safeguard.FloorDurable),
	})
	if err != nil {
		return err
	}
	n.retention = retention.New(
		retention.Config{Keep: n.cfg.Retention, Quorum: n.cfg.WriteQuorum, Disabled: n.deps.Disabled},
		retention.Deps{State: n.membership, Clock: n.clock, Log: n.log})
	n.quorum = quorum.New(
		quorum.Config{Node: n.cfg.Name, Quorum: n.cfg.WriteQuorum, Disabled: n.deps.Disabled},
		quorum.Deps{
			Membership: n.membership, Log: n.log,
			Heartbeats: func(ctx context.Context) quorum.Replies { return n.sendHeartbeats(ctx) },
			Secure:     func(ctx context.Context, heard quorum.Replies) error { return n.secureEverywhere(ctx, heard) },
		})
	n.upgrade = upgrade.Upgrade{State: n.membership, Log: n.log, Disabled: n.deps.Disabled}
	n.cfg.Name = n.membership.Name()
	if n.cfg.Cluster, err = n.membership.UseClusterName(n.cfg.Cluster, n.cfg.RenameCluster); err != nil {
		return err
	}
	return membership.CheckPlacement(n.journal, n.cfg.HourSlices)
}

// cluster is the view of package replica on the node.
type cluster struct{ *Node }

// Self implements candidates.Cluster.
func (c cluster) Self() roster.Store { return c.membership.Self() }

// Roster implements candidates.Cluster.
func (c cluster) Roster() roster.Roster { return c.membership.Roster() }

// Ring implements candidates.Cluster.
func (c cluster) Ring() *ring.Ring { return c.membership.Ring() }

// Version implements candidates.Cluster.
func (c cluster) Version() compat.Version { return c.membership.Version() }

// Addr implements candidates.Cluster.
func (c cluster) Addr(id roster.StoreID) string { return c.directory.Addr(id) }

func (n *Node) startMembers(ctx context.Context) error {
	use := func(keys keyring.Keys) { n.members.UseKeys(keys) }
	var err error
	if n.gossipKeys, err = keyring.Open(n.files, n.cfg.GossipKeysFile, use); err != nil {
		return err
	}
	n.members = member.New(member.Config{
		GossipAddr: n.cfg.GossipAddr, AdvertiseHost: n.cfg.AdvertiseHost, Join: n.cfg.Join, Label: n.cfg.Cluster,
		Keys: n.gossipKeys.Keys(), Verify: n.cfg.GossipVerify, MaxStreams: n.cfg.MaxGossipConnections,
		RejoinEvery: n.deps.Rejoin, Adopt: n.adoptCluster, Disabled: n.deps.Disabled,
	}, member.Deps{Log: n.log, Network: n.deps.Network})
	n.pushStep("gossip", func(context.Context) error { return n.members.Stop() })
	if n.addresses.Gossip, err = n.members.Listen(ctx); err != nil {
		return fmt.Errorf("%s: %w", settingGossip, err)
	}
	if err := n.restoreAddresses(); err != nil {
		return err
	}
	return n.members.Start(n.gossipIdentity())
}

// startLoops starts the background work. Stop ends it before the other parts.
func (n *Node) startLoops(context.Context) error {
	n.membership.OnChange(n.replicas.Wake)
	n.readiness.Start(time.Now()) // after the wait for the data folder
	n.deps.Registry.MustRegister(metrics.NewCollector(n.sample))
	ctx, cancel := context.WithCancel(context.Background())
	n.loops.Go(func() { n.heartbeatLoop(ctx) })
	n.loops.Go(func() { n.quorum.Run(ctx) })
	n.loops.Go(func() { n.logUnready(ctx) })
	if !n.deps.Disabled.Has(safeguard.Folder) {
		n.loops.Go(func() { n.watchFolder(ctx) })
	}
	n.loops.Go(func() { n.memory.Watch(ctx) })
	n.loops.Go(func() { n.expiry.Run(ctx) })
	n.loops.Go(func() { n.files.Watch(ctx) })
	n.loops.Go(func() { n.cfg.access().Warn(ctx, n.log) })
	n.replicas.Start()
	n.pushStep("background work", func(context.Context) error {
		cancel()
		n.replicas.Stop()
		n.loops.Wait()
		return nil
	})
	n.pushStep("hand over", n.leaveGracefully)
	return nil
}

// Failed receives at most one error, after which the node cannot go on.
func (n *Node) Failed() <-chan error { return n.failed }

func (n *Node) fail(err error) {
	select {
	case n.failed <- err:
	default:
	}
}

// Members describes the cluster from this node's point of view.
func (n *Node) Members() router.MembersView { return n.membersView() }

// RaiseFloors raises the floors of retention at this node, for tests, and returns them.
func (n *Node) RaiseFloors(f roster.Floors) (roster.Floors, error) {
	err := n.membership.RaiseFloors(f)
	return n.membership.Floors(), err
}

// Backup makes a backup of this node, for tests, and reports whether it is there.
func (n *Node) Backup(ctx context.Context, name string) (bool, error) {
	state, err := n.backups.Make(ctx, name)
	return state.Done && state.Error == "", err
}

// Erasures returns the erasures of this node, for tests.
func (n *Node) Erasures() *erasure.Erasures { return n.erasures }

// Name returns the node's name, or the name in the data folder if none was configured. Start sets it.
func (n *Node) Name() string { return n.cfg.Name }

// Addresses returns the node's addresses, with real port numbers where port 0 was configured. Start sets them.
func (n *Node) Addresses() router.Addresses { return n.addresses }
