package node_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"flowring/node"
)

// A node dials its saved addresses only at its last address. At another address it needs a join list with other nodes,
// or --rejoin, unless it is the only store of its cluster (P8).
func TestANodeAtAnotherAddress(t *testing.T) {
	for _, tt := range []struct {
		name  string
		size  int
		moves bool
		set   func(cfg *node.Config)
		apart bool
	}{
		{"with a list of all, as a pod has", 3, true, func(*node.Config) {}, false},
		{"without a list", 3, true, func(cfg *node.Config) { cfg.Join = nil }, true},
		{"with a list that names itself alone", 3, true, func(cfg *node.Config) { cfg.Join = []string{cfg.GossipAddr} }, true},
		{"without a list, told to rejoin", 3, true, func(cfg *node.Config) { cfg.Join, cfg.Rejoin = nil, true }, false},
		{"at its last address, without a list", 3, false, func(cfg *node.Config) { cfg.Join = nil }, false},
		{"the only node of its cluster, without a list", 1, true, func(cfg *node.Config) { cfg.Join = nil }, false},
		{"the only node of its cluster, with a list, as the pod of k8s/overlays/single", 1, true, func(*node.Config) {}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, tt.size, copies(tt.size, tt.size/2+1))
			c.formed([]string{"a", "b", "c"}[:tt.size]...)
			c.fill("a", 3)
			c.kill("a")
			cfg := c.configAt("a", 1)
			if tt.moves {
				cfg = c.config("a")
			}
			tt.set(&cfg)
			c.startWith(cfg)
			if !tt.apart {
				c.waitReady()
				c.eventually(func() error { return c.filled(3) })
				return
			}
			c.mustStayApart("a")
			c.kill("a") // again, because addresses seen at the other place must not count as the last address
			c.startWith(cfg)
			c.mustStayApart("a")
		})
	}
}

// mustStayApart fails the test unless a node reports that it stays apart, takes no write, refuses its peers, and is
// invisible to the others.
func (c *cluster) mustStayApart(name string) {
	c.t.Helper()
	want := fmt.Sprintf("this folder belongs to cluster %s and was last used at %s.1:7946; give --join, or --rejoin to dial %s.2:7946, %s.3:7946",
		c.nodes[name].Members().Cluster, c.network, c.network, c.network)
	if got := fmt.Sprint(c.nodes[name].Ready()); got != want {
		c.t.Errorf("Ready() = %s, want %s", got, want)
	}
	if status, _ := c.post(name, "", of(1, "app", 1)); status != http.StatusServiceUnavailable {
		c.t.Errorf("post = %d, want 503", status)
	}
	res, err := c.http.Get("http://" + c.nodes[name].Addresses().Peer + "/peer/v1/summary")
	if err != nil {
		c.t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusMisdirectedRequest {
		c.t.Errorf("a call of a peer = %d, want 421", res.StatusCode)
	}
	for _, m := range c.nodes["b"].Members().Members {
		if m.Addresses.Peer == c.nodes[name].Addresses().Peer {
			c.t.Errorf("b sees %s at %s", m.Name, m.Addresses.Peer)
		}
	}
}

// copyFolder copies a folder.
func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// Copies of all nodes that name each other are a cluster of their own, also after a restart at the same addresses. The
// original nodes go on, and no node of either side sees a node of the other.
func TestCopiesThatNameEachOtherAreAClusterOfTheirOwn(t *testing.T) {
	for name, set := range map[string]func(*node.Config){
		"under another name":  func(cfg *node.Config) { cfg.Cluster, cfg.RenameCluster = "copy", true },
		"under the same name": func(*node.Config) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testCopies(t, set)
		})
	}
}

func testCopies(t *testing.T, set func(*node.Config)) {
	c := newCluster(t, 3, copies(3, 2))
	c.formed("a", "b", "c")
	c.fill("a", 3)
	other := newCluster(t, 3, copies(3, 2))
	for i, name := range c.names() {
		c.kill(name)
		copyFolder(t, c.configAt(name, 1).DataDir, other.configAt(name, 1).DataDir)
		c.startWith(c.configAt(name, i+1))
	}
	c.waitReady()
	for range 2 {
		for i, name := range c.names() {
			if other.nodes[name] != nil {
				other.kill(name)
			}
			cfg := other.configAt(name, i+1)
			set(&cfg)
			other.startWith(cfg)
		}
		other.waitReady()
		other.eventually(func() error { return other.filled(3) })
	}
	for _, side := range []*cluster{c, other} {
		side.eventually(side.agreed)
		for _, name := range side.names() {
			for _, m := range side.nodes[name].Members().Members {
				if !strings.HasPrefix(m.Addresses.Peer, side.network+".") {
					t.Errorf("%s sees %s at %s", name, m.Name, m.Addresses.Peer)
				}
			}
		}
	}
}
