package node_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"flowring/node"
	"flowring/router"
)

// cluster has the nodes of one test on loopback. Each process has its own address in a network of the test, and the
// default ports. Join addresses are therefore known beforehand, and a node can return at another address.
type cluster struct {
	t         testing.TB
	size      int                // nodes that found the cluster, at the first addresses
	configure func(*node.Config) // changes the configuration of every node
	deps      node.Deps          // of every node, except its log
	network   string             // the first three bytes of every address
	dir       string
	next      int // last byte of the address of the next process
	nodes     map[string]*process
	http      *http.Client
	keys      atomic.Int64 // counts posts without a key of the test
}

// process is one run of a node.
type process struct {
	*node.Node
	addr string
	log  *logbook
}

// newCluster returns a cluster to be founded by size nodes. At the end of the test all its processes are killed.
func newCluster(t testing.TB, size int, configure func(*node.Config)) *cluster {
	c := &cluster{
		t: t, size: size, configure: configure, dir: t.TempDir(), next: 1, nodes: map[string]*process{},
		network: fmt.Sprintf("127.%d.%d", 1+rand.IntN(254), rand.IntN(256)),
		http:    &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}, Timeout: patience},
	}
	t.Cleanup(c.close)
	return c
}

func (c *cluster) close() {
	c.http.CloseIdleConnections()
	for _, name := range c.names() {
		if c.t.Failed() {
			c.t.Logf("log of %s at %s:\n%s", name, c.nodes[name].addr, c.nodes[name].log.last(60))
		}
		c.kill(name)
	}
}

// copies returns a configure for R copies and a write quorum of W.
func copies(r, w int) func(*node.Config) {
	return func(cfg *node.Config) { cfg.ReplicationFactor, cfg.WriteQuorum = r, w }
}

// config returns the configuration of a node at the next free address.
func (c *cluster) config(name string) node.Config {
	c.next++
	return c.configAt(name, c.next-1)
}

// configAt returns the configuration of a node at the address with the given last byte.
func (c *cluster) configAt(name string, last int) node.Config {
	addr := fmt.Sprintf("%s.%d", c.network, last)
	cfg := node.Default(name)
	cfg.MinFree = 0 // the tests do not depend on the free space of the machine
	cfg.HTTPAddr, cfg.PeerAddr, cfg.GossipAddr = addr+":8080", addr+":8081", addr+":7946"
	cfg.DataDir = filepath.Join(c.dir, name)
	cfg.BootstrapExpect = c.size
	for i := range c.size {
		cfg.Join = append(cfg.Join, fmt.Sprintf("%s.%d:7946", c.network, i+1))
	}
	if c.configure != nil {
		c.configure(&cfg)
	}
	return cfg
}

// start starts the named nodes, each at an address that no other process ever had.
func (c *cluster) start(names ...string) {
	c.t.Helper()
	for _, name := range names {
		c.startWith(c.config(name))
	}
}

// startWith starts a node.
func (c *cluster) startWith(cfg node.Config) {
	c.t.Helper()
	p, err := c.run(cfg)
	if err != nil {
		c.t.Fatalf("start %s: %v", cfg.Name, err)
	}
	c.nodes[cfg.Name] = p
}

// run starts a process outside the cluster's list of nodes.
func (c *cluster) run(cfg node.Config) (*process, error) { return c.runWithin(cfg, patience) }

// runWithin is run with a time limit for the start.
func (c *cluster) runWithin(cfg node.Config, within time.Duration) (*process, error) {
	book := &logbook{}
	log := slog.New(slog.NewTextHandler(book, &slog.HandlerOptions{Level: slog.LevelInfo}))
	deps := c.deps
	deps.Log = log
	n, err := node.New(cfg, deps)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	host, _, _ := net.SplitHostPort(cfg.HTTPAddr)
	if err := n.Start(ctx); err != nil {
		return nil, errors.Join(err, n.Abort())
	}
	return &process{n, host, book}, nil
}

// formed starts the named nodes and waits until each is ready and knows all others.
func (c *cluster) formed(names ...string) {
	c.t.Helper()
	c.start(names...)
	c.waitReady()
}

// waitReady waits until every running node is ready and sees all running nodes, with one ring.
func (c *cluster) waitReady() {
	c.t.Helper()
	c.eventually(func() error {
		for name, p := range c.nodes {
			if err := p.Ready(); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return c.agreed()
	})
}

// agreed returns nil if every running node sees all of them as established and alive, with one ring.
func (c *cluster) agreed() error {
	version := ""
	for name, p := range c.nodes {
		view := p.Members()
		if alive := aliveIn(view); !slices.Equal(alive, c.names()) {
			return fmt.Errorf("%s sees %v, want %v", name, alive, c.names())
		}
		if version == "" {
			version = view.Ring.Version
		}
		if view.Ring.Version != version {
			return fmt.Errorf("%s has ring %s, want %s", name, view.Ring.Version, version)
		}
	}
	return nil
}

// aliveIn returns the names of the members that are established and alive.
func aliveIn(view router.MembersView) []string {
	var names []string
	for _, m := range view.Members {
		if m.State == "alive" && m.Established {
			names = append(names, m.Name)
		}
	}
	return names
}

// kill ends a process as a crash would.
func (c *cluster) kill(name string) {
	c.t.Helper()
	if err := c.nodes[name].Abort(); err != nil {
		c.t.Errorf("abort %s: %v", name, err)
	}
	delete(c.nodes, name)
}

// stop ends a process as SIGTERM does.
func (c *cluster) stop(name string, within time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	err := c.nodes[name].Stop(ctx)
	delete(c.nodes, name)
	return err
}

// names returns the names of the running nodes, sorted.
func (c *cluster) names() []string { return slices.Sorted(maps.Keys(c.nodes)) }

// url returns the base of a node's public API.
func (c *cluster) url(name string) string { return "http://" + c.nodes[name].Addresses().HTTP }

// member returns the first node's entry of another node.
func (c *cluster) member(name string) router.Member {
	c.t.Helper()
	view := c.nodes[c.names()[0]].Members()
	i := slices.IndexFunc(view.Members, func(m router.Member) bool { return m.Name == name && m.Established })
	if i < 0 {
		c.t.Fatalf("no member %s in %+v", name, view.Members)
	}
	return view.Members[i]
}

// hours returns how many hours each node reports to hold.
func (c *cluster) hours() map[string]int {
	held := map[string]int{}
	for name, p := range c.nodes {
		for _, m := range p.Members().Members {
			if m.Name == name && m.Established {
				held[name] = m.Hours
			}
		}
	}
	return held
}

// patience is how long a test waits for an event. It is no bar, because a busy machine takes as long as it likes.
// Durations are measured in virtual time and by benchmarks.
const patience = 5 * time.Minute

// eventually calls fn again and again until it returns nil.
func (c *cluster) eventually(fn func() error) {
	c.t.Helper()
	if err := poll(fn); err != nil {
		c.t.Fatalf("after %v: %v", patience, err)
	}
}

// poll returns nil once fn does, or the last error of fn after patience.
func poll(fn func() error) error {
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := fn()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		<-tick.C
	}
}

// logbook keeps the log of a node.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (b *logbook) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(line)
}

// String returns the whole log so far.
func (b *logbook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// last returns the last n lines.
func (b *logbook) last(n int) string {
	lines := strings.Split(b.String(), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// longMode reports whether load tests run for a long time.
func longMode() bool { return os.Getenv("FLOWRING_LONG") == "1" }
