package node_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flowring/node"
	"flowring/node/access"
	"flowring/node/keyring"
	"flowring/node/peer/mtls"
)

// A node that would place flows elsewhere, or belongs to another cluster, is refused and reports the reason itself. The
// cluster goes on.
func TestNodesThatDifferAreRefused(t *testing.T) {
	t.Parallel()
	keys := t.TempDir()
	key := func(name string) string {
		path := filepath.Join(keys, name)
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(name[:1], 32)))
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ours := key("ours")
	c := newCluster(t, 3, func(cfg *node.Config) {
		cfg.ReplicationFactor, cfg.WriteQuorum, cfg.GossipKeysFile = 2, 1, ours
	})
	c.formed("a", "b", "c")
	c.fill("a", 3)
	for _, tt := range []struct {
		name   string
		differ func(*node.Config)
		why    string // part of the result of Ready, or of the log
	}{
		{"another replication factor", func(cfg *node.Config) { cfg.ReplicationFactor = 3 }, "other cluster parameters"},
		{"another write quorum", func(cfg *node.Config) { cfg.WriteQuorum = 2 }, "other cluster parameters"},
		{"another cluster name", func(cfg *node.Config) { cfg.Cluster = "elsewhere" }, "cluster name"},
		{"another gossip key", func(cfg *node.Config) { cfg.GossipKeysFile = key("theirs") }, "gossip key"},
		{"no gossip key", func(cfg *node.Config) { cfg.GossipKeysFile = "" }, "gossip key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := c.config("x")
			tt.differ(&cfg)
			cfg.DataDir = t.TempDir()
			x, err := c.run(cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer x.Abort()
			if err := poll(func() error {
				if ready := fmt.Sprint(x.Ready()); !strings.Contains(ready, tt.why) {
					return fmt.Errorf("Ready() = %s, want it to say %q", ready, tt.why)
				}
				return nil
			}); err != nil {
				t.Errorf("%v; its log:\n%s", err, x.log)
			}
			if err := poll(c.agreed); err != nil {
				t.Error(err)
			}
			if err := c.filled(3); err != nil {
				t.Error(err)
			}
		})
	}
}

// Of two live nodes of one name, the node that was there first goes on.
func TestSecondNodeOfANameStepsBack(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, copies(1, 1))
	c.formed("a", "b", "c")
	c.fill("a", 5)
	cfg := c.config("b")
	cfg.DataDir = t.TempDir()
	second, err := c.run(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Abort()
	select {
	case err := <-second.Failed():
		if want := "another live node is named b, at " + c.nodes["b"].Addresses().Peer; !strings.Contains(err.Error(), want) {
			t.Errorf("the second b fails with %q, want %q", err, want)
		}
	case err := <-c.nodes["b"].Failed():
		t.Fatalf("the first b fails: %v", err)
	case <-time.After(patience):
		t.Fatal("neither b steps back")
	}
	second.Abort()
	if err := c.filled(5); err != nil { // the second store never came on the roster, so no read misses it
		t.Error(err)
	}
	c.eventually(c.agreed) // once the gossip has noticed the end of the second node
	if n := len(c.nodes["a"].Members().Members); n != 3 {
		t.Errorf("%d members, want 3", n)
	}
}

func TestDataFolderOfAnotherNodeIsRefused(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 0, copies(1, 1))
	c.formed("a")
	c.kill("a")
	cfg := c.config("b")
	cfg.DataDir = filepath.Join(c.dir, "a")
	p, err := c.run(cfg)
	if err == nil {
		p.Abort()
	}
	if want := `the data folder belongs to node "a", and this node is named "b"`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("start of b with a's data folder = %v, want %q", err, want)
	}
	c.formed("a")
}

func TestDataFolderInUseIsRefused(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 0, copies(1, 1))
	c.formed("a")
	p, err := c.runWithin(c.config("a"), time.Second) // otherwise the start waits for a minute
	if err == nil {
		p.Abort()
		t.Error("two processes share a data folder")
	}
	c.fill("a", 1)
}

// A failed start releases its ports, even those on which it did not serve yet.
func TestFailedStartFreesItsPorts(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 0, copies(1, 1))
	cfg := c.configAt("a", 1)
	taken, err := net.Listen("tcp", cfg.GossipAddr)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := c.run(cfg); err == nil {
		p.Abort()
		t.Error("start with the gossip port taken = nil, want an error")
	}
	taken.Close()
	c.startWith(cfg)
	c.waitReady()
	c.fill("a", 1)
}

// An error about a port in use names the setting, and a failed start leaves no new data folder.
func TestAPortInUseIsNamedByItsSetting(t *testing.T) {
	t.Parallel()
	for setting, port := range map[string]func(*node.Config) string{
		"--http-addr":   func(cfg *node.Config) string { return cfg.HTTPAddr },
		"--peer-addr":   func(cfg *node.Config) string { return cfg.PeerAddr },
		"--gossip-addr": func(cfg *node.Config) string { return cfg.GossipAddr },
	} {
		for _, network := range []string{"tcp", "udp"} {
			if network == "udp" && setting != "--gossip-addr" {
				continue
			}
			for _, there := range []bool{false, true} {
				c := newCluster(t, 0, copies(1, 1))
				cfg := c.config("a")
				if there {
					c.startWith(cfg)
					c.kill("a")
				}
				taken := take(t, network, port(&cfg))
				p, err := c.run(cfg)
				if err == nil {
					p.Abort()
				}
				taken.Close()
				if err == nil || strings.Count(err.Error(), "address already in use") != 1 || !strings.Contains(err.Error(), setting+": ") {
					t.Errorf("start with the %s port of %s in use = %v, want an error that names the setting", network, setting, err)
				}
				if _, err := os.Stat(cfg.DataDir); os.IsNotExist(err) == there {
					t.Errorf("%s: the data folder after the start: %v, it was there before: %t", setting, err, there)
				}
			}
		}
	}
}

// Two settings of one port are noticed before a data folder is made, too.
func TestTwoSettingsOfOnePortLeaveNoFolder(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, setting string
		same          func(cfg *node.Config)
	}{
		{"public and peer", "--peer-addr", func(cfg *node.Config) { cfg.PeerAddr = cfg.HTTPAddr }},
		{"public and gossip", "--gossip-addr", func(cfg *node.Config) { cfg.GossipAddr = cfg.HTTPAddr }},
		{"peer and gossip", "--gossip-addr", func(cfg *node.Config) { cfg.GossipAddr = cfg.PeerAddr }},
	} {
		c := newCluster(t, 0, copies(1, 1))
		cfg := c.config("a")
		tt.same(&cfg)
		p, err := c.run(cfg)
		if err == nil {
			p.Abort()
		}
		if err == nil || !strings.Contains(err.Error(), tt.setting+": ") {
			t.Errorf("%s: start = %v, want an error that names %s", tt.name, err, tt.setting)
		}
		if _, err := os.Stat(cfg.DataDir); !os.IsNotExist(err) {
			t.Errorf("%s: the data folder after the start: %v, want none", tt.name, err)
		}
	}
}

// take occupies a port.
func take(t *testing.T, network, addr string) io.Closer {
	t.Helper()
	var taken io.Closer
	var err error
	if network == "udp" {
		taken, err = net.ListenPacket(network, addr)
	} else {
		taken, err = net.Listen(network, addr)
	}
	if err != nil {
		t.Fatal(err)
	}
	return taken
}

func TestDataFolderOfOtherSlicesIsRefused(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 0, copies(1, 1))
	c.formed("a")
	c.kill("a")
	cfg := c.config("a")
	cfg.HourSlices = 4
	p, err := c.run(cfg)
	if err == nil {
		p.Abort()
	}
	if err == nil || !strings.Contains(err.Error(), "slices=1, this node has") || !strings.Contains(err.Error(), "slices=4 by=key/1: the slices of an hour cannot be changed") {
		t.Errorf("start with other slices = %v, want a refusal that names both", err)
	}
}

func TestInvalidSettingsAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(*node.Config)
		want  string
	}{
		{"no name", func(c *node.Config) { c.Name = "" }, "node name: "},
		{"a name with a blank", func(c *node.Config) { c.Name = "a b" }, "node name: "},
		{"a cluster name with a blank", func(c *node.Config) { c.Cluster = "a b" }, "cluster name: "},
		{"no copies", func(c *node.Config) { c.ReplicationFactor = 0 }, "replication factor 0: must be 1 to 16"},
		{"seventeen copies", func(c *node.Config) { c.ReplicationFactor = 17 }, "replication factor 17: must be 1 to 16"},
		{"a quorum larger than the copies", func(c *node.Config) { c.WriteQuorum = 2 }, "write quorum 2: must be 1 to the replication factor 1"},
		{"a negative quorum", func(c *node.Config) { c.WriteQuorum = -1 }, "write quorum -1"},
		{"no slices", func(c *node.Config) { c.HourSlices = 0 }, "hour slices 0: must be 1 to 256"},
		{"too many slices", func(c *node.Config) { c.HourSlices = 257 }, "hour slices 257: must be 1 to 256"},
		{"a negative number of nodes to expect", func(c *node.Config) { c.BootstrapExpect = -1 }, "bootstrap-expect -1"},
		{"a body below the charge for a POST", func(c *node.Config) { c.MaxBody = 256<<10 - 1 }, "max-body 262143: must be at least 262144"},
		{"a wait longer than the time to answer", func(c *node.Config) { c.MaxWait = 2801 * time.Millisecond }, "max-wait 2.801s: must be at most 2.8s"},
		{"an unknown meaning of hours", func(c *node.Config) { c.Hours = "utc" }, `hours "utc": must be unix or any`},
		{"hours of the epoch and hours in other units", func(c *node.Config) { c.Hours, c.AnyHour = "unix", true }, "any-hour: must be off with hours unix"},
		{"a negative distance into the future", func(c *node.Config) { c.MaxFuture = -1 }, "max-future -1: must not be negative"},
		{"no data folder", func(c *node.Config) { c.DataDir = "" }, "data folder: must not be empty"},
		{"all addresses, and none to be reached at", func(c *node.Config) { c.PeerAddr = "0.0.0.0:8081" }, `advertised host: "0.0.0.0" is no host`},
		{"all IPv6 addresses", func(c *node.Config) { c.PeerAddr = "[::]:8081" }, `advertised host: "::" is no host`},
		{"any address", func(c *node.Config) { c.PeerAddr = ":8081" }, `advertised host: "" is no host`},
		{"a peer address without port", func(c *node.Config) { c.PeerAddr = "127.0.0.1" }, `peer address "127.0.0.1"`},
		{"an HTTP address without port", func(c *node.Config) { c.HTTPAddr = "127.0.0.1" }, `address "127.0.0.1"`},
		{"an unknown way to ask for credentials", func(c *node.Config) { c.Auth = "maybe" }, `auth "maybe": must be required or permissive`},
		{"permissive without tokens", func(c *node.Config) { c.Auth = access.Permissive }, "auth permissive: needs tokens-file"},
		{"a join address without port", func(c *node.Config) { c.Join = []string{"n2"} }, `address "n2"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := node.Default("a")
			tt.spoil(&cfg)
			_, err := node.New(cfg, node.Deps{})
			if err == nil || !strings.HasPrefix(err.Error(), "configuration: ") ||
				!strings.Contains(err.Error(), tt.want) {
				t.Errorf("New(%+v) = %v, want configuration: ... %s", cfg, err, tt.want)
			}
		})
	}
	if _, err := node.New(node.Default("a"), node.Deps{}); err != nil {
		t.Errorf("New(defaults) = %v, want nil", err)
	}
	atBounds := node.Default("a")
	atBounds.MaxBody, atBounds.MaxWait, atBounds.BootstrapExpect = 256<<10, 2800*time.Millisecond, 1
	if _, err := node.New(atBounds, node.Deps{}); err != nil {
		t.Errorf("New(the least body, the longest wait, one node to expect) = %v, want nil", err)
	}
}

// A port beyond loopback needs a guard that refuses strangers: a mode that lets them pass is none (P17).
func TestAModeThatLetsStrangersPassIsNoGuard(t *testing.T) {
	guarded := node.Default("a")
	guarded.HTTPAddr, guarded.PeerAddr, guarded.GossipAddr, guarded.AdvertiseHost = ":8080", ":8081", ":7946", "n1"
	guarded.TokensFile, guarded.GossipKeysFile = "tokens", "keys"
	guarded.PeerTLSCert, guarded.PeerTLSKey, guarded.PeerTLSCA = "tls.crt", "tls.key", "ca.crt"
	if _, err := node.New(guarded, node.Deps{}); err != nil {
		t.Fatalf("New with a guard at each port = %v, want nil", err)
	}
	for _, tt := range []struct {
		name  string
		spoil func(*node.Config)
		want  string
	}{
		{"tokens that are not required", func(c *node.Config) { c.Auth = access.Permissive }, "reach the public port at :8080,"},
		{"no tokens", func(c *node.Config) { c.TokensFile = "" }, "reach the public port at :8080,"},
		{"peer TLS that is not required", func(c *node.Config) { c.PeerTLSMode = mtls.Permissive }, "reach the peer port at :8081,"},
		{"no peer TLS", func(c *node.Config) { c.PeerTLSCert, c.PeerTLSKey, c.PeerTLSCA = "", "", "" }, "reach the peer port at :8081,"},
		{"gossip keys that are accepted", func(c *node.Config) { c.GossipVerify = keyring.Accept }, "reach the gossip port at :7946,"},
		{"gossip keys that are sent", func(c *node.Config) { c.GossipVerify = keyring.Send }, "reach the gossip port at :7946,"},
		{"no gossip keys", func(c *node.Config) { c.GossipKeysFile = "" }, "reach the gossip port at :7946,"},
	} {
		cfg := guarded
		tt.spoil(&cfg)
		if _, err := node.New(cfg, node.Deps{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("New with %s = %v, want that other machines %s", tt.name, err, tt.want)
		}
	}
}
