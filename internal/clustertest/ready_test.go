package clustertest

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"flowring/internal/racetest"
	"flowring/internal/safeguard"
	"flowring/node"
	"flowring/store/journal/journaltest"
)

// readyz returns the status and the text of /readyz, with a query.
func (k caller) readyz(name, query string) (int, string) {
	res, err := k.Get("http://" + at(k.c.Addr(name), HTTPPort) + "/readyz" + query)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

// user is a client that posts with keys at each ready node.
type user struct {
	caller
	posted  map[string]int // POSTs that were stored, by node
	refused []string       // POSTs with another answer
}

// use posts until ctx ends. It ignores refused and lost connections, because clients repeat such a POST.
func (u *user) use(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		for _, name := range u.c.Running() {
			if n := u.c.Node(name); n != nil && n.Ready() == nil {
				u.post(name, i)
			}
		}
		pause(ctx, 20*time.Millisecond)
	}
}

func (u *user) post(name string, i int) {
	body := fmt.Sprintf(`[{"src_app":"s","dest_app":"d","vpc_id":"v","bytes_tx":1,"bytes_rx":0,"hour":%d}]`, 100+i%5)
	req, _ := http.NewRequest(http.MethodPost, "http://"+at(u.c.Addr(name), HTTPPort)+"/flows", strings.NewReader(body))
	req.Header.Set("Idempotency-Key", fmt.Sprintf("%s-%d", name, i))
	res, err := u.Do(req)
	if err != nil {
		return
	}
	defer res.Body.Close()
	io.Copy(io.Discard, res.Body)
	if res.StatusCode == http.StatusOK {
		u.posted[name]++
	} else {
		u.refused = append(u.refused, fmt.Sprintf("POST %d at %s: %s", i, name, res.Status))
	}
}

// restarts replaces the processes of nodes one after the other, each once the node before is ready, as a StatefulSet
// does. The links of a node are slow from its start until the next node has ended; then restarts calls down.
func restarts(t *testing.T, c *Cluster, end func(name string), down func(), names ...string) {
	t.Helper()
	last := ""
	for _, name := range names {
		end(name)
		down()
		if last != "" {
			c.slowLinks(last, time.Millisecond)
		}
		last = name
		c.Start(name)
		c.slowLinks(name, 150*time.Millisecond)
		if err := c.WaitReady(time.Minute, name); err != nil {
			t.Fatal(err)
		}
	}
}

// During a rolling restart that follows /readyz alone, every ready node stores every keyed POST. Negative control: with
// a readiness that does not wait until W stores are heard, a node refuses some POSTs.
func TestReadyNodesTakePostsThroughARollingRestart(t *testing.T) {
	for _, disabled := range []safeguard.Set{0, safeguard.ReadyHeard | safeguard.ReadyRecovered} {
		t.Run(fmt.Sprintf("without safeguards %b", disabled), func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				c := formed(t, 3, Options{Seed: 21, Copies: 3, Quorum: 2, Disabled: disabled})
				u := &user{caller: newCaller(t, c), posted: map[string]int{}}
				ctx, cancel := context.WithCancel(t.Context())
				var wg sync.WaitGroup
				wg.Go(func() { u.use(ctx) })
				time.Sleep(time.Second)
				stop := func(name string) {
					if err := c.Stop(name, 25*time.Second); err != nil && disabled == 0 {
						t.Error(err)
					}
				}
				restarts(t, c, stop, func() {}, "c", "b", "a")
				time.Sleep(time.Second)
				cancel()
				wg.Wait()
				for _, name := range c.Names() {
					if u.posted[name] == 0 {
						t.Errorf("no POST at %s was stored: the test shows nothing", name)
					}
				}
				if (len(u.refused) > 0) != (disabled != 0) {
					t.Errorf("%d POSTs at ready nodes were not stored, want some: %t; %.200q", len(u.refused), disabled != 0, u.refused)
				}
			})
		})
	}
}

// While nodes are killed one after the other, each once the node before is ready again, reads at the other nodes are
// complete. Negative control: with a readiness that does not wait for the recovery of the store, some reads are
// incomplete.
func TestReadsAreCompleteThroughKillsByReadiness(t *testing.T) {
	for _, disabled := range []safeguard.Set{0, safeguard.ReadyRecovered} {
		t.Run(fmt.Sprintf("without safeguards %b", disabled), func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				c := formed(t, 3, Options{Seed: 22, Copies: 3, Quorum: 2, Disabled: disabled})
				k := newCaller(t, c)
				hours := k.fill(t, 5)
				time.Sleep(10 * time.Second)
				reads, unproven := 0, 0
				down := func() {
					for _, name := range c.Running() {
						for _, hour := range hours {
							reads++
							if complete, _ := k.get(name, hour, "before"); complete != "true" {
								unproven++
							}
						}
					}
				}
				restarts(t, c, c.Kill, down, "c", "b", "a")
				if (unproven > 0) != (disabled != 0) {
					t.Errorf("%d of %d reads beside a killed node were not complete, want some: %t", unproven, reads, disabled != 0)
				}
			})
		})
	}
}

// After a stop or kill of all nodes, each node is ready within 10 s after the last start.
func TestAllNodesAreReadyAgainSoon(t *testing.T) {
	for _, end := range []string{"stopped", "killed"} {
		t.Run(end, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				c := formed(t, 3, Options{Seed: 22, Copies: 3, Quorum: 2})
				newCaller(t, c).fill(t, 10)
				for _, name := range letters[:3] {
					if end == "stopped" {
						c.mustStop(t, name)
					} else {
						c.Kill(name)
					}
				}
				for i, name := range letters[:3] {
					time.Sleep(20 * time.Second)
					c.Start(name)
					time.Sleep(5 * time.Second)
					if err := c.Node(name).Ready(); i == 0 && err == nil {
						t.Error("a node that has heard nobody is ready")
					}
				}
				if err := c.WaitReady(5 * time.Second); err != nil {
					t.Errorf("10 s after the start of the last node: %v", err)
				}
			})
		})
	}
}

// A node that hears no other node is not ready for minutes. Negative control: without the safeguard it is ready at once.
func TestReadinessWaitsForAQuorum(t *testing.T) {
	for _, disabled := range []safeguard.Set{0, safeguard.ReadyHeard} {
		racetest.Bubble(t, func(t *testing.T) {
			c := formed(t, 3, Options{Seed: 29, Copies: 3, Quorum: 2, Disabled: disabled})
			for _, name := range letters[:3] {
				c.Kill(name)
			}
			c.Start("a")
			time.Sleep(2 * time.Minute)
			if ready := c.Node("a").Ready() == nil; ready != (disabled != 0) {
				t.Errorf("a node that hears nobody is ready: %t, with the safeguard off: %t", ready, disabled != 0)
			}
		})
	}
}

// A node that hears no other node names the missing stores, and becomes ready for reads after 5 minutes. It is ready
// for writes once it hears W stores, and stays ready for reads when they are absent again. An empty node that waits for
// a cluster is never ready.
func TestANodeThatHearsNobody(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		c := formed(t, 3, Options{Seed: 23, Copies: 3, Quorum: 2})
		k := newCaller(t, c)
		k.fill(t, 3)
		for _, name := range letters[:3] {
			c.Kill(name)
		}
		c.Start("a")
		time.Sleep(2 * time.Minute)
		want := "1 of the 2 stores that the write quorum asks for were heard since the start: not yet b, c\n"
		if status, text := k.readyz("a", ""); status != http.StatusServiceUnavailable || text != want {
			t.Errorf("/readyz of a node that hears nobody = %d %q, want 503 %q", status, text, want)
		}
		if err := c.WaitReady(4 * time.Minute); err != nil {
			t.Errorf("a node that hears nobody is not ready after 6 minutes: %v", err)
		}
		if status, text := k.readyz("a", "?for=write"); status != http.StatusServiceUnavailable || !strings.Contains(text, "1 of the 2 stores") {
			t.Errorf("/readyz?for=write without a quorum = %d %q, want 503 and why", status, text)
		}
		c.Start("b")
		if err := c.WaitReady(time.Minute); err != nil {
			t.Error(err)
		}
		if status, text := k.readyz("a", "?for=write"); status != http.StatusOK {
			t.Errorf("/readyz?for=write with a quorum = %d %q, want 200", status, text)
		}
		c.Kill("b")
		time.Sleep(10 * time.Second)
		for query, want := range map[string]int{"": http.StatusOK, "?for=write": http.StatusServiceUnavailable, "?for=read": http.StatusBadRequest} {
			if status, text := k.readyz("a", query); status != want {
				t.Errorf("/readyz%s once the quorum is lost = %d %q, want %d", query, status, text, want)
			}
		}
		for _, name := range []string{"a", "c"} {
			c.crash(name, (*journaltest.Disk).Wipe)
		}
		c.Start("c")
		time.Sleep(10 * time.Minute)
		if err := c.Node("c").Ready(); err == nil {
			t.Error("an empty node that waits for a cluster is ready")
		}
	})
}

// One disk is lost and one node is away: the node with the empty disk is not ready until its store is established, and
// the node that was away is ready within 40 s after its start: it hears W stores, and recovers.
func TestReadinessWithADiskLostAndANodeAway(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		c := formed(t, 3, Options{Seed: 24, Copies: 3, Quorum: 2})
		k := newCaller(t, c)
		hours := k.fill(t, 10)
		c.Kill("b")
		c.crash("a", (*journaltest.Disk).Wipe)
		c.Start("a")
		time.Sleep(2 * time.Minute)
		if err := c.Node("a").Ready(); err == nil || !strings.Contains(err.Error(), "not established") {
			t.Errorf("readiness of an empty store that one of two nodes knows = %v, want not established", err)
		}
		if err := c.Node("c").Ready(); err != nil {
			t.Errorf("the node that has its disk and was not away is not ready: %v", err)
		}
		c.Start("b")
		if err := c.WaitReady(40 * time.Second); err != nil {
			t.Error(err)
		}
		k.mustHave(t, time.Minute, "before", hours...)
	})
}

// A node that another node refuses, or that refuses another node, is never ready. The other nodes stay ready, because
// they ran before. Once its settings are correct the node is ready. Negative control: a readiness that ignores refusals
// is ready with W=1.
func TestANodeThatIsRefusedIsNotReady(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(base64.StdEncoding.EncodeToString(make([]byte, 32))), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name     string
		quorum   int
		differ   func(*node.Config)
		why      string
		disabled safeguard.Set
		ready    bool
	}{
		{"R=5", 2, func(c *node.Config) { c.ReplicationFactor, c.WriteQuorum = 5, 0 }, "other cluster parameters", 0, false},
		{"R=5, W=1", 1, func(c *node.Config) { c.ReplicationFactor = 5 }, "other cluster parameters", 0, false},
		{"another W", 2, func(c *node.Config) { c.WriteQuorum = 1 }, "other cluster parameters", 0, false},
		{"another cluster name", 1, func(c *node.Config) { c.Cluster, c.RenameCluster = "elsewhere", true }, "hangs up", 0, false},
		{"a gossip key", 1, func(c *node.Config) { c.GossipKeysFile = key }, "gossip key", 0, false},
		{
			"R=5, W=1, by a readiness that does not look", 1, func(c *node.Config) { c.ReplicationFactor = 5 }, "",
			safeguard.ReadyUnrefused, true,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				var wrong, renamed bool
				c := formed(t, 3, Options{Seed: 25, Copies: 3, Quorum: tt.quorum, Disabled: tt.disabled, Configure: func(cfg *node.Config) {
					if wrong && cfg.Name == "c" {
						tt.differ(cfg)
					}
					cfg.RenameCluster = cfg.RenameCluster || renamed
				}})
				k := newCaller(t, c)
				time.Sleep(time.Minute)
				c.mustStop(t, "c")
				wrong = true
				c.Start("c")
				for range 180 {
					time.Sleep(time.Second)
					err := c.Node("c").Ready()
					if (err == nil) != tt.ready {
						t.Fatalf("a node that is refused: Ready() = %v, want ready: %t", err, tt.ready)
					}
					for _, name := range letters[:2] {
						if err := c.Node(name).Ready(); err != nil {
							t.Fatalf("%s, which was there before: Ready() = %v, want nil", name, err)
						}
					}
				}
				if _, text := k.readyz("c", ""); !strings.Contains(text, tt.why) {
					t.Errorf("/readyz = %q, want it to say %q", text, tt.why)
				}
				c.mustStop(t, "c")
				wrong, renamed = false, tt.name == "another cluster name"
				c.Start("c")
				if err := c.WaitReady(40 * time.Second); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A node with a wrong setting that starts right after a rolling restart makes no other node unready (P8): they have
// heard most stores. Kubernetes showed three unready pods, and a Service without an endpoint.
func TestARefusedNodeMakesNoOtherUnready(t *testing.T) {
	t.Parallel()
	racetest.Bubble(t, func(t *testing.T) {
		wrong := false
		c := formed(t, 3, Options{Seed: 26, Copies: 3, Quorum: 2, Configure: func(cfg *node.Config) {
			if wrong {
				cfg.ReplicationFactor, cfg.WriteQuorum = 5, 0
			}
		}})
		for _, name := range letters[:2] {
			c.mustStop(t, name)
			c.Start(name)
			if err := c.WaitReady(40 * time.Second); err != nil {
				t.Fatal(err)
			}
		}
		c.mustStop(t, "c")
		wrong = true
		c.Start("c")
		for range 120 {
			time.Sleep(time.Second)
			for _, name := range letters[:2] {
				if err := c.Node(name).Ready(); err != nil {
					t.Fatalf("%s, which fits the others: Ready() = %v, want nil", name, err)
				}
			}
			if err := c.Node("c").Ready(); err == nil {
				t.Fatal("a node that is refused: Ready() = nil")
			}
		}
	})
}
