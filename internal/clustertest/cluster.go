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

	"flowring/internal/memnet"
	"flowring/internal/safeguard"
	"flowring/node"
	"flowring/store/journal/journaltest"
)

// Options describe a cluster.
type Options struct {
	Seed      uint64
	Copies    int // R; 0: 1
	Quorum    int // W; 0: R/2+1
	Expect    int // nodes that found the cluster; 0: 3
	Nodes     int // that a history begins with; 0: 3
	Disabled  safeguard.Set
	NoSync    bool          // disks answer fsyncs without doing them
	Origin    uint64        // every process start uses this origin; 0: random ones
	Rejoin    time.Duration // 0: the default
	Settle    time.Duration // how long the cluster may take to agree when all faults have ended; 0: 20 min
	SealAfter time.Duration // how long an hour is quiet before it is sealed; 0: never
	Slices    int           // of an hour; 0: 1
	Hours     int           // that clients write to; 0: 3
	Quiet     bool          // no clients but those of the scenario
	Log       *slog.Logger  // nil: silent

	Configure func(*node.Config) // changes the settings of a node before each start; nil: nothing

	Join map[string][]string // whom each node joins, by name, and by that founds a cluster; nil: all join all, and Expect of them found it
}

// Cluster is a set of nodes and what they run on. It belongs to one bubble.
type Cluster struct {
	opts Options
	t    testing.TB
	Net  *memnet.Net
	rng  *rand.Rand

	mu    sync.Mutex
	nodes map[string]*Machine
	alien []*Machine     // of nodes that are none of the cluster's: see outsider.go
	wg    sync.WaitGroup // dead processes whose goroutines are still to end
}

// Machine is what a node runs on: it outlives the process.
type Machine struct {
	Name   string
	Disk   *journaltest.Disk
	number int    // of the machine, for its addresses
	lives  int    // processes started
	addr   string // of the present or the last process

	life chan struct{} // holds a value while a process is being started or ended; a mutex would not do in a bubble
	host *memnet.Host
	node *node.Node // nil: no process runs
	join []string   // of a node that is none of the cluster's
}

// The ports every node listens on, at its own address.
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
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	return &Cluster{
		opts: opts, t: t, nodes: map[string]*Machine{}, rng: rand.New(rand.NewPCG(opts.Seed, 1)),
		Net: memnet.New(memnet.Options{Seed: opts.Seed, Latency: time.Millisecond}),
	}
}

// Start starts the named nodes, making their machines where there are none, and returns when they listen.
func (c *Cluster) Start(names ...string) {
	c.t.Helper()
	for _, name := range names {
		if err := c.start(name); err != nil {
			c.t.Fatalf("start %s: %v", name, err)
		}
	}
}

// start starts a process on a machine, at an address of its own.
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
		m = &Machine{Name: name, Disk: disk, number: len(c.nodes) + 1, life: make(chan struct{}, 1)}
		m.addr = m.address(1)
		c.nodes[name] = m
	}
	return m
}

// address returns the address of the machine's n-th process.
func (m *Machine) address(n int) string { return fmt.Sprintf("10.%d.%d.%d", m.number, n/200, n%200+1) }

const dataDir = "data" // on the machine's disk

// neverFounds is a number of nodes that there never are.
const neverFounds = 100

// boot runs a process on a machine, whose life is held.
func (c *Cluster) boot(m *Machine) error {
	c.mu.Lock()
	m.host = c.Net.Host(m.addr)
	c.mu.Unlock()
	cfg := node.Default(m.Name)
	cfg.HTTPAddr, cfg.PeerAddr, cfg.GossipAddr = at(m.addr, HTTPPort), at(m.addr, PeerPort), at(m.addr, GossipPort)
	cfg.DataDir = dataDir
	cfg.Join, cfg.BootstrapExpect = []string{at(dnsName, GossipPort)}, c.opts.Expect
	if m.number > c.opts.Expect { // added later: it must not take part in founding, as docs/operations.md says
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
	if c.opts.Configure != nil {
		c.opts.Configure(&cfg)
	}
	n, err := node.New(cfg, node.Deps{
		Log: c.opts.Log.With("node", m.Name), Network: m.host, FS: m.Disk.FS(), Registry: prometheus.NewRegistry(),
		Origin: c.opts.Origin, Rejoin: c.opts.Rejoin, SealBatches: 1, Disabled: c.opts.Disabled,
		Fatal: func(err error) { c.t.Errorf("%s: journal failed: %v", m.Name, err) },
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

func (c *Cluster) setNode(m *Machine, n *node.Node) {
	c.mu.Lock()
	m.node = n
	c.mu.Unlock()
	c.publishDNS()
}

// Spoil makes a machine's disk one that takes no more batches: the next one ends the process that writes it.
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

// died ends what is left of a process that its disk has failed.
func (c *Cluster) died(m *Machine, host *memnet.Host) {
	m.life <- struct{}{}
	defer func() { <-m.life }()
	if m.host == host {
		c.end(m, (*journaltest.Disk).Kill)
	}
}

func at(host string, port int) string { return net.JoinHostPort(host, fmt.Sprint(port)) }

// publishDNS makes the join name resolve to every node that runs, and each one's name to it.
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

// Kill ends a process as kill -9 does: nothing it wrote is lost, nothing is finished.
func (c *Cluster) Kill(name string) { c.crash(name, (*journaltest.Disk).Kill) }

// PowerLoss ends a process as a loss of power does: unsynced data survives with the given probability in per cent.
func (c *Cluster) PowerLoss(name string, percent int) {
	c.crash(name, func(d *journaltest.Disk) { d.PowerLoss(percent) })
}

// crash ends a process and does something to its disk.
func (c *Cluster) crash(name string, then func(*journaltest.Disk)) {
	m := c.Machine(name)
	m.life <- struct{}{}
	defer func() { <-m.life }()
	c.end(m, then)
}

// end ends a process, whose machine's life is held. Nothing that the dead process does is heard or kept afterwards.
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

// Close crashes every node and waits until all that ever ran has ended. It must run before the bubble ends.
func (c *Cluster) Close() {
	c.Net.HealAll()
	for _, name := range c.Running() {
		c.Kill(name)
	}
	for _, m := range c.alien {
		c.end(m, (*journaltest.Disk).Kill)
	}
	c.wg.Wait()
	time.Sleep(time.Minute) // the gossip library's probes end by themselves, within their timeouts
}

// Machine returns a machine; nil if there is none of the name.
func (c *Cluster) Machine(name string) *Machine {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nodes[name]
}

// Node returns the node that runs on a machine; nil if none does.
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

// Running returns the names of the machines on which a process runs, sorted.
func (c *Cluster) Running() []string {
	return slices.DeleteFunc(c.Names(), func(name string) bool { return c.Node(name) == nil })
}

// Addr returns the address of a machine's present or last process.
func (c *Cluster) Addr(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nodes[name].addr
}

// Partition cuts the machines named from all others, both ways.
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

// WaitReady waits until the named nodes, or all that run, are ready, for at most a time of the bubble.
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

// Client returns an HTTP client at an address of its own.
func (c *Cluster) Client(addr string) *http.Client {
	host := c.Net.Host(addr)
	return &http.Client{Transport: &http.Transport{DialContext: host.DialContext, MaxIdleConnsPerHost: 8}}
}
