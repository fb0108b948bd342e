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

// cluster is the nodes of one test on loopback. Each process has an address of its own, in a network of the test's own, and the
// default ports: so join addresses are known beforehand, and a node can come back at another address.
type cluster struct {
	t         testing.TB
	size      int                // nodes that found the cluster, at the first addresses
	configure func(*node.Config) // changes what every node is given
	deps      node.Deps          // of every node, but for its log
	network   string             // the first three bytes of every address
	dir       string
	next      int // last byte of the address of the next process
	nodes     map[string]*process
	http      *http.Client
	keys      atomic.Int64 // of posts for which the test has no key
}

// process is one run of a node.
type process struct {
	*node.Node
	addr string
	log  *logbook
}

// newCluster returns a cluster that expects to be founded by size nodes. At the end of the test all its processes are killed.
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

// copies is a configure for R copies, of which W are waited for.
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
	cfg.MinFree = 0 // whatever the disk of the machine that runs the tests has
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

// start starts the named nodes, each at an address where no other process ever was.
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

// run starts a process that is not one of the cluster's nodes by itself.
func (c *cluster) run(cfg node.Config) (*process, error) { return c.runWithin(cfg, patience) }

// runWithin does so too, and gives up a start that waits.
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

// formed starts the named nodes and waits until each is ready and knows all the others.
func (c *cluster) formed(names ...string) {
	c.t.Helper()
	c.start(names...)
	c.waitReady()
}

// waitReady waits until every node that runs is ready and sees all that run, with one ring.
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

// agreed returns nil if every node that runs sees all of them as established and alive, with one ring.
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

// names returns the names of the nodes that run, sorted.
func (c *cluster) names() []string { return slices.Sorted(maps.Keys(c.nodes)) }

// url returns the base of a node's public API.
func (c *cluster) url(name string) string { return "http://" + c.nodes[name].Addresses().HTTP }

// member returns what the first node says of another one.
func (c *cluster) member(name string) router.Member {
	c.t.Helper()
	view := c.nodes[c.names()[0]].Members()
	i := slices.IndexFunc(view.Members, func(m router.Member) bool { return m.Name == name && m.Established })
	if i < 0 {
		c.t.Fatalf("no member %s in %+v", name, view.Members)
	}
	return view.Members[i]
}

// hours returns how many hours all nodes hold, counted once per copy, as each says of itself.
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

// patience is how long a test waits for something to happen. It is no bar: how long things take is a question for virtual time and for
// benchmarks, since a machine that is busy takes as long as it likes.
const patience = 5 * time.Minute

// eventually asks again and again until fn returns nil.
func (c *cluster) eventually(fn func() error) {
	c.t.Helper()
	if err := poll(fn); err != nil {
		c.t.Fatalf("after %v: %v", patience, err)
	}
}

// poll returns nil once fn does, or after patience its last error.
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

// logbook keeps what a node logs.
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

// String returns everything logged so far.
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

// longMode reports whether tests that run for a while are to run for long.
func longMode() bool { return os.Getenv("FLOWRING_LONG") == "1" }
