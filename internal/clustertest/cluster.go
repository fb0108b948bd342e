package clustertest

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"flowring/internal/clustertest/bounds"
	"flowring/internal/compat"
	"flowring/internal/memnet"
	"flowring/internal/safeguard"
	"flowring/node"
	"flowring/router/admission"
	"flowring/store/journal/journaltest"
	"flowring/store/limits"
)

// Options describe a cluster.
type Options struct {
	Seed      uint64
	Copies    int // R; 0: 1
	Quorum    int // W; 0: R/2+1
	Expect    int // nodes that found the cluster; 0: 3
	Nodes     int // at the begin of a history; 0: 3
	Disabled  safeguard.Set
	NoSync    bool           // disks acknowledge an fsync without syncing
	Origin    uint64         // origin of every process; 0: random origins
	Rejoin    time.Duration  // 0: the default
	Settle    time.Duration  // time until all nodes agree after the last fault; 0: 20 min
	SealAfter time.Duration  // time without a batch before an hour is sealed; 0: never
	Slices    int            // of an hour; 0: 1
	Hours     int            // hours of the clients; 0: 3
	Newest    compat.Version // that processes speak until they are upgraded to 2; 0: the program's versions
	Quiet     bool           // only the clients of the scenario
	// the clients also send requests of two hours, and repeat acknowledged ones; so they do with Keep
	Repeat bool
	Log    *slog.Logger // nil: silent

	CPUSlots map[string]admission.CPUSlots // of a node by name; none: the default number
	Clock    func(node string) time.Time   // the wall clock of a node; nil: the clock of the bubble
	// how many times faster than the bubble the clocks of nodes run; 0: equally fast
	Pace      int
	Configure func(*node.Config) // changes the settings of a node before each start; nil: nothing
	Keep      time.Duration      // the retention of all nodes, with hours of a second; 0: they keep all hours

	// Join has the join list of each node by names; the lists alone decide on the founders. nil: all nodes join all
	// nodes, and Expect nodes found the cluster.
	Join map[string][]string
}

// Cluster is a set of nodes with their machines and network. It belongs to one bubble.
type Cluster struct {
	opts   Options
	t      testing.TB
	begun  time.Time
	bounds *bounds.Bounds // of the floors of retention
	Net    *memnet.Net
	rng    *rand.Rand

	mu    sync.Mutex
	nodes map[string]*Machine
	alien []*Machine     // of outsiders: see outsider.go
	wg    sync.WaitGroup // dead processes with goroutines that still run
}

// Machine is the address and the disk of a node. It outlives the process.
type Machine struct {
	Name   string
	Disk   *journaltest.Disk
	number int    // of the machine, for its addresses
	lives  int    // processes started
	addr   string // of the current or the last process

	life chan struct{} // holds a value while a process starts or ends; a mutex would block the bubble
	host *memnet.Host
	node *node.Node // nil: no process runs
	join []string   // of an outsider

	newest compat.Version // that the next processes speak; 0: the program's versions
}

// The ports of every node, at its own address.
const (
	HTTPPort   = 8080
	PeerPort   = 8081
	GossipPort = 7946
)

const dnsName = "flowring.local" // resolves to every node that runs

// New returns a cluster without nodes.
func New(t testing.TB, opts Options) *Cluster {
	if opts.Copies == 0 {
		opts.Copies = 1
	}
	if opts.Expect == 0 {
		opts.Expect = 3
	}
	if opts.Nodes == 0 {
		opts.Nodes = 3
	}
	if opts.Settle == 0 {
		opts.Settle = settleWithin
	}
	if opts.Keep > 0 {
		opts.Pace, opts.Repeat = floorsPace, true
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	return &Cluster{
		opts: opts, t: t, begun: time.Now(), nodes: map[string]*Machine{}, rng: rand.New(rand.NewPCG(opts.Seed, 1)),
		bounds: bounds.New(opts.Keep, bounds.Clock{Begun: time.Now(), Pace: opts.Pace}),
		Net:    memnet.New(memnet.Options{Seed: opts.Seed, Latency: time.Millisecond}),
	}
}

// Start starts the named nodes, makes missing machines, and returns once the nodes listen.
func (c *Cluster) Start(names ...string) {
	c.t.Helper()
	for _, name := range names {
		if err := c.start(name); err != nil {
			c.t.Fatalf("start %s: %v", name, err)
		}
	}
}

// start starts a process on a machine at a new address.
func (c *Cluster) start(name string) error {
	m := c.place(name)
	m.life <- struct{}{}
	defer func() { <-m.life }()
	if m.node != nil {
		return nil
	}
	c.mu.Lock()
	m.lives++
	m.addr = m.address(m.lives)
	c.mu.Unlock()
	return c.boot(m)
}

// place makes the machine of a node if there is none. It has the address of its first process.
func (c *Cluster) place(name string) *Machine {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.nodes[name]
	if m == nil {
		disk := journaltest.NewDisk(rand.New(rand.NewPCG(c.opts.Seed, uint64(len(c.nodes))+2)))
		if c.opts.NoSync {
			disk.IgnoreSync()
		}
		m = &Machine{Name: name, Disk: disk, number: len(c.nodes) + 1, life: make(chan struct{}, 1), newest: c.opts.Newest}
		m.addr = m.address(1)
		c.nodes[name] = m
	}
	return m
}

// address returns the address of the machine's n-th process.
func (m *Machine) address(n int) string { return fmt.Sprintf("10.%d.%d.%d", m.number, n/200, n%200+1) }

const dataDir = "data" // on the machine's disk

// neverFounds is a number of nodes beyond any test.
const neverFounds = 100

// boot runs a process on a machine. The caller holds the life of the machine.
func (c *Cluster) boot(m *Machine) error {
	c.mu.Lock()
	m.host = c.Net.Host(m.addr)
	speaks := compat.Range{Oldest: min(m.newest, 1), Newest: m.newest}
	c.mu.Unlock()
	cfg := node.Default(m.Name)
	cfg.HTTPAddr, cfg.PeerAddr, cfg.GossipAddr = at(m.addr, HTTPPort), at(m.addr, PeerPort), at(m.addr, GossipPort)
	cfg.Insecure = true // the addresses are of no machine
	cfg.DataDir = dataDir
	cfg.Join, cfg.BootstrapExpect = []string{at(dnsName, GossipPort)}, c.opts.Expect
	if m.number > c.opts.Expect { // a later node must not found a cluster: docs/operations.md
		cfg.BootstrapExpect = neverFounds
	}
	if c.opts.Join != nil {
		cfg.Join, cfg.BootstrapExpect = nil, 0
		for _, name := range c.opts.Join[m.Name] {
			cfg.Join = append(cfg.Join, at(name, GossipPort))
		}
	}
	if m.join != nil {
		cfg.Join, cfg.BootstrapExpect = m.join, 0
	}
	cfg.HourSlices = max(c.opts.Slices, 1)
	cfg.ReplicationFactor, cfg.WriteQuorum, cfg.SealAfter = c.opts.Copies, c.opts.Quorum, c.opts.SealAfter
	if c.opts.Keep > 0 {
		cfg.Hours, cfg.MaxFuture, cfg.Retention, cfg.BackupDir = limits.UnixHours, 0, c.bounds.Keep(m.Name), backupDir
	}
	if c.opts.Configure != nil {
		c.opts.Configure(&cfg)
	}
	n, err := node.New(cfg, node.Deps{
		Now: c.clockOf(m.Name), Monotonic: c.monotonic(),
		Log: c.opts.Log.With("node", m.Name), Network: m.host, FS: m.Disk.FS(), Registry: prometheus.NewRegistry(),
		CPUSlots: c.opts.CPUSlots[m.Name],
		Origin:   c.opts.Origin, Rejoin: c.opts.Rejoin, SealBatches: 1, Disabled: c.opts.Disabled,
		Speaks: speaks,
		Fatal:  func(err error) { c.t.Errorf("%s: journal failed: %v", m.Name, err) },
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := n.Start(ctx); err != nil {
		m.host.Crash()
		n.Abort()
		return err
	}
	c.setNode(m, n)
	return nil
}

// clockOf returns the wall clock of a node; nil: that of the bubble.
func (c *Cluster) clockOf(name string) func() time.Time {
	now := time.Now
	if c.opts.Clock != nil {
		now = func() time.Time { return c.opts.Clock(name) }
	}
	if c.opts.Pace == 0 {
		return now
	}
	return func() time.Time {
		return c.begun.Add(time.Duration(c.opts.Pace)*now().Sub(c.begun) + c.bounds.Mistake(name).Ahead)
	}
}

// monotonic returns the time that counts as uptime of a process that starts now; nil: that of the bubble.
func (c *Cluster) monotonic() func() time.Duration {
	if c.opts.Pace == 0 {
		return nil
	}
	begun := time.Now()
	return func() time.Duration { return time.Duration(c.opts.Pace) * time.Since(begun) }
}

func (c *Cluster) setNode(m *Machine, n *node.Node) {
	c.mu.Lock()
	m.node = n
	c.mu.Unlock()
	c.publishDNS()
}

// Spoil makes the disk of a machine fail: the next write of a batch ends the process.
func (c *Cluster) Spoil(name string) {
	m := c.Machine(name)
	m.Disk.Fail(func() {
		c.mu.Lock()
		host := m.host
		c.mu.Unlock()
		host.Crash()
		c.wg.Go(func() { c.died(m, host) })
	})
}

// died ends a process whose disk has failed.
func (c *Cluster) died(m *Machine, host *memnet.Host) {
	m.life <- struct{}{}
	defer func() { <-m.life }()
	if m.host == host {
		c.end(m, (*journaltest.Disk).Kill)
	}
}

func at(host string, port int) string { return net.JoinHostPort(host, fmt.Sprint(port)) }

// publishDNS makes the join name resolve to every running node, and the name of each node to that node.
func (c *Cluster) publishDNS() {
	c.mu.Lock()
	defer c.mu.Unlock()
	var addrs []string
	for _, name := range slices.Sorted(maps.Keys(c.nodes)) {
		if m := c.nodes[name]; m.node != nil {
			addrs = append(addrs, m.addr)
			c.Net.SetDNS(name, m.addr)
		}
	}
	c.Net.SetDNS(dnsName, addrs...)
}

// Kill ends a process as kill -9 does: it keeps all written data and finishes nothing.
func (c *Cluster) Kill(name string) { c.crash(name, (*journaltest.Disk).Kill) }

// PowerLoss ends a process as a loss of power does: unsynced data survives with the given probability in per cent.
func (c *Cluster) PowerLoss(name string, percent int) {
	c.crash(name, func(d *journaltest.Disk) { d.PowerLoss(percent) })
}

// crash ends a process and changes its disk.
func (c *Cluster) crash(name string, then func(*journaltest.Disk)) {
	m := c.Machine(name)
	m.life <- struct{}{}
	defer func() { <-m.life }()
	c.end(m, then)
}

// end ends a process. The caller holds the life of the machine. Messages and writes of the dead process have no effect.
func (c *Cluster) end(m *Machine, then func(*journaltest.Disk)) {
	n := m.node
	if n != nil {
		m.host.Crash()
	}
	c.setNode(m, nil)
	then(m.Disk)
	if n != nil {
		c.wg.Go(func() { n.Abort() })
	}
}

// Stop stops a process as SIGTERM does. It returns the node's error.
func (c *Cluster) Stop(name string, within time.Duration) error {
	m := c.Machine(name)
	m.life <- struct{}{}
	defer func() { <-m.life }()
	if m.node == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	err := m.node.Stop(ctx)
	c.setNode(m, nil)
	return err
}

// Close crashes every node and waits for all goroutines. It must run before the end of the bubble.
func (c *Cluster) Close() {
	c.Net.HealAll()
	for _, name := range c.Running() {
		c.Kill(name)
	}
	for _, m := range c.alien {
		c.end(m, (*journaltest.Disk).Kill)
	}
	c.wg.Wait()
	time.Sleep(time.Minute) // the probes of the gossip library end with their timeouts
}

// Machine returns the machine of a node; nil if there is none.
func (c *Cluster) Machine(name string) *Machine {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nodes[name]
}

// Node returns the running node of a machine; nil if no node runs.
func (c *Cluster) Node(name string) *node.Node {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m := c.nodes[name]; m != nil {
		return m.node
	}
	return nil
}

// Names returns the names of all machines, sorted.
func (c *Cluster) Names() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.nodes))
}

// Running returns the names of the machines with a running process, sorted.
func (c *Cluster) Running() []string {
	return slices.DeleteFunc(c.Names(), func(name string) bool { return c.Node(name) == nil })
}

// Addr returns the address of the current or last process of a machine.
func (c *Cluster) Addr(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nodes[name].addr
}

// Partition cuts the named machines from all other machines, in both directions.
func (c *Cluster) Partition(side []string, only ...memnet.Traffic) (heal func()) {
	var a, b []string
	for _, name := range c.Names() {
		if slices.Contains(side, name) {
			a = append(a, c.Addr(name))
		} else {
			b = append(b, c.Addr(name))
		}
	}
	return c.Net.Partition(a, b, only...)
}

// WaitReady waits until the named nodes, or all running nodes, are ready. The limit is time of the bubble.
func (c *Cluster) WaitReady(within time.Duration, names ...string) error {
	if len(names) == 0 {
		names = c.Running()
	}
	deadline := time.Now().Add(within)
	for {
		err := c.ready(names)
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (c *Cluster) ready(names []string) error {
	for _, name := range names {
		n := c.Node(name)
		if n == nil {
			return fmt.Errorf("%s does not run", name)
		}
		if err := n.Ready(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// Client returns an HTTP client with its own address.
func (c *Cluster) Client(addr string) *http.Client {
	host := c.Net.Host(addr)
	return &http.Client{Transport: &http.Transport{DialContext: host.DialContext, MaxIdleConnsPerHost: 8}}
}
