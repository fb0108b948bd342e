package clustertest

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"flowring/internal/memnet"
	"flowring/internal/racetest"
	"flowring/router"
)

// agreeWithin is the time after the end of a cut until all nodes agree: the rejoin loop runs every 10 s, and heartbeats
// follow.
const agreeWithin = 30 * time.Second

var letters = []string{"a", "b", "c", "d", "e"}

// formed returns a cluster of n nodes that all know each other.
func formed(t *testing.T, n int, opts Options) *Cluster {
	t.Helper()
	opts.Expect = n
	c := New(t, opts)
	t.Cleanup(c.Close)
	c.Start(letters[:n]...)
	c.mustAgree(t, agreeWithin)
	return c
}

// mustAgree fails the test unless all running nodes agree on the members in time. It returns the time until then.
func (c *Cluster) mustAgree(t *testing.T, within time.Duration) time.Duration {
	t.Helper()
	begun := time.Now()
	for {
		err := c.agreed()
		if err == nil {
			return time.Since(begun)
		}
		if time.Since(begun) > within {
			t.Fatalf("no agreement after %v: %v", within, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// agreed returns nil if every running node is ready, sees exactly the running nodes, alive and established, and has the
// same ring.
func (c *Cluster) agreed() error {
	running, version := c.Running(), ""
	for _, name := range running {
		if err := c.Node(name).Ready(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		view := c.Node(name).Members()
		if got := aliveIn(view); !slices.Equal(got, running) {
			return fmt.Errorf("%s sees %v alive, want %v", name, got, running)
		}
		if version != "" && view.Ring.Version != version {
			return fmt.Errorf("%s has ring %s, another has %s", name, view.Ring.Version, version)
		}
		version = view.Ring.Version
	}
	return nil
}

// mustTurnOn fails the test unless all running nodes agree on the members, and the newest version is on at each of them,
// in time. Until then a ready node may not have heard that a new store speaks the version of queries of many hours, and
// refuses these.
func (c *Cluster) mustTurnOn(t *testing.T, within time.Duration) {
	t.Helper()
	begun := time.Now()
	c.mustAgree(t, within)
	for _, name := range c.Running() {
		for c.metric(t, name, "flowring_cluster_version") < c.metric(t, name, "flowring_cluster_version_highest") {
			if time.Since(begun) > within {
				t.Fatalf("the newest version is not on at %s after %v", name, within)
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
}

func aliveIn(view router.MembersView) []string {
	var names []string
	for _, m := range view.Members {
		if m.State == "alive" && m.Established {
			names = append(names, m.Name)
		}
	}
	return names
}

// caller is one HTTP client of a cluster.
type caller struct {
	*http.Client
	c *Cluster
}

func newCaller(t *testing.T, c *Cluster) caller {
	client := c.Client("10.0.0.1")
	client.Timeout = 10 * time.Second
	t.Cleanup(client.CloseIdleConnections)
	return caller{client, c}
}

// post writes one flow with the number of its hour as bytes, and returns the status.
func (k caller) post(name string, hour int, src string) int {
	body := fmt.Sprintf(`[{"src_app":%q,"dest_app":"d","vpc_id":"v","bytes_tx":%d,"bytes_rx":0,"hour":%d}]`, src, hour, hour)
	res, err := k.Post("http://"+at(k.c.Addr(name), HTTPPort)+"/flows", "application/json", strings.NewReader(body))
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// get reads an hour. It returns the completeness, or the status of a refusal, and whether the answer has the flow of
// src.
func (k caller) get(name string, hour int, src string) (complete string, has bool) {
	res, err := k.Get(fmt.Sprintf("http://%s/flows?hour=%d", at(k.c.Addr(name), HTTPPort), hour))
	if err != nil {
		return err.Error(), false
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return res.Status, false
	}
	record := fmt.Sprintf(`{"src_app":%q,"dest_app":"d","vpc_id":"v","bytes_tx":%d,`, src, hour)
	return res.Header.Get("Flowring-Complete"), strings.Contains(string(text), record)
}

// mustHave fails the test unless every running node gives a complete answer with the flow of src for each hour, in
// time.
func (k caller) mustHave(t *testing.T, within time.Duration, src string, hours ...int) {
	t.Helper()
	deadline := time.Now().Add(within)
	for _, name := range k.c.Running() {
		for _, hour := range hours {
			for {
				complete, has := k.get(name, hour, src)
				if complete == "true" && !has {
					t.Fatalf("%s says of hour %d completely that it has no flow %s (P4)", name, hour, src)
				}
				if complete == "true" {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("%s: hour %d is complete %q after %v", name, hour, complete, within)
				}
				time.Sleep(100 * time.Millisecond)
			}
		}
	}
}

func TestClustersFormAtOnceWhateverTheQuorum(t *testing.T) {
	for _, tt := range []struct{ nodes, copies, quorum int }{{3, 1, 1}, {3, 3, 2}, {3, 3, 3}, {5, 3, 2}, {5, 5, 3}} {
		t.Run(fmt.Sprintf("%d nodes, R=%d, W=%d", tt.nodes, tt.copies, tt.quorum), func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				begun := time.Now()
				c := formed(t, tt.nodes, Options{Seed: 1, Copies: tt.copies, Quorum: tt.quorum})
				t.Logf("formed in %v", time.Since(begun))
				k := newCaller(t, c)
				if status := k.post("b", 20, "first"); status != http.StatusOK {
					t.Fatalf("post = %d, want 200", status)
				}
				k.mustHave(t, 0, "first", 20)
			})
		})
	}
}

func TestLateNodeIsTakenIn(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		c := formed(t, 3, Options{Seed: 2, Copies: 3, Quorum: 2})
		k := newCaller(t, c)
		for hour := range 20 {
			if status := k.post("a", hour, "early"); status != http.StatusOK {
				t.Fatalf("post = %d, want 200", status)
			}
		}
		c.Start("d")
		t.Logf("d taken in after %v", c.mustAgree(t, agreeWithin))
		for hour := range 20 {
			k.mustHave(t, 30*time.Second, "early", hour)
		}
	})
}

func TestAllNodesRestartAtOnce(t *testing.T) {
	for _, power := range []bool{false, true} {
		t.Run(fmt.Sprintf("loss of power: %t", power), func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				c := formed(t, 3, Options{Seed: 3, Copies: 3, Quorum: 2})
				k := newCaller(t, c)
				for hour := range 10 {
					if status := k.post("a", hour, "before"); status != http.StatusOK {
						t.Fatalf("post = %d, want 200", status)
					}
				}
				version := c.Node("a").Members().Ring.Version
				for _, name := range c.Running() {
					if power {
						c.PowerLoss(name, 0)
					} else {
						c.Kill(name)
					}
				}
				c.Start("a", "b", "c")
				t.Logf("agreed after %v", c.mustAgree(t, agreeWithin))
				if got := c.Node("a").Members().Ring.Version; got != version {
					t.Errorf("ring %s after the restart, want %s as before", got, version)
				}
				for hour := range 10 {
					k.mustHave(t, 30*time.Second, "before", hour)
				}
			})
		})
	}
}

// split cuts a cluster of n nodes in two for a while, and heals it.
func split(t *testing.T, c *Cluster, n int, long time.Duration, only ...memnet.Traffic) {
	t.Helper()
	heal := c.Partition(letters[:n/2], only...)
	time.Sleep(long)
	if long >= time.Minute && len(only) == 0 && c.agreed() == nil {
		t.Fatal("the partition is not noticed")
	}
	heal()
}

// After a partition of any length all nodes agree again without an operator, and every node has the acknowledged
// batches of both sides (P6).
func TestPartitionsHeal(t *testing.T) {
	for _, n := range []int{3, 5} {
		for _, long := range []time.Duration{10 * time.Second, time.Minute, 5 * time.Minute} {
			t.Run(fmt.Sprintf("%d nodes, %v", n, long), func(t *testing.T) {
				racetest.Bubble(t, func(t *testing.T) {
					c := formed(t, n, Options{Seed: 4, Copies: 3, Quorum: 2})
					k := newCaller(t, c)
					heal := c.Partition(letters[:n/2])
					time.Sleep(long)
					var acked []int
					for hour := range 8 {
						if k.post(letters[n-1], hour, "during") == http.StatusOK {
							acked = append(acked, hour)
						}
					}
					if len(acked) == 0 {
						t.Error("the larger side stores nothing")
					}
					heal()
					t.Logf("agreed %v after a partition of %v", c.mustAgree(t, agreeWithin), long)
					k.mustHave(t, time.Minute, "during", acked...)
				})
			})
		}
	}
}

// The rejoin loop heals a partition that is longer than the memory of the gossip. Without the loop no such partition
// heals (negative control of P6).
func TestLongPartitionsDoNotHealByThemselves(t *testing.T) {
	for _, n := range []int{3, 5} {
		for _, long := range []time.Duration{time.Minute, 5 * time.Minute} {
			t.Run(fmt.Sprintf("%d nodes, %v", n, long), func(t *testing.T) {
				racetest.Bubble(t, func(t *testing.T) {
					c := formed(t, n, Options{Seed: 4, Copies: 3, Quorum: 2, Rejoin: 24 * time.Hour})
					split(t, c, n, long)
					for begun := time.Now(); time.Since(begun) < 10*time.Minute; time.Sleep(time.Second) {
						if c.agreed() == nil {
							t.Fatalf("a partition of %v healed after %v without the rejoin loop", long, time.Since(begun))
						}
					}
				})
			})
		}
	}
}

// If only the gossip is cut, nodes see each other as absent but hear each other, so reads and writes go on.
func TestGossipAloneIsCut(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		c := formed(t, 3, Options{Seed: 5, Copies: 3, Quorum: 2})
		k := newCaller(t, c)
		heal := c.Partition([]string{"a"}, memnet.Traffic{Port: GossipPort})
		time.Sleep(time.Minute)
		if got := aliveIn(c.Node("a").Members()); !slices.Equal(got, []string{"a"}) {
			t.Errorf("a sees %v alive, want itself alone: the cut is not noticed", got)
		}
		for hour := range 5 {
			for _, name := range c.Running() {
				if status := k.post(name, hour, "during-"+name); status != http.StatusOK {
					t.Errorf("post(%s) while the gossip is cut = %d, want 200", name, status)
				}
			}
		}
		for _, name := range c.Running() {
			k.mustHave(t, 0, "during-"+name, 0, 1, 2, 3, 4)
		}
		heal()
		t.Logf("agreed after %v", c.mustAgree(t, agreeWithin))
	})
}

// If only the peer port is cut, the gossip sees all nodes alive, and /members does not. The side with a quorum goes on,
// and the other side refuses. No answer is wrong.
func TestPeerPortAloneIsCut(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		c := formed(t, 3, Options{Seed: 6, Copies: 3, Quorum: 2})
		k := newCaller(t, c)
		if status := k.post("a", 7, "before"); status != http.StatusOK {
			t.Fatalf("post = %d, want 200", status)
		}
		heal := c.Partition([]string{"a"}, memnet.Traffic{Port: PeerPort})
		time.Sleep(time.Minute)
		for name, want := range map[string][]string{"a": {"a"}, "b": {"b", "c"}, "c": {"b", "c"}} {
			if got := aliveIn(c.Node(name).Members()); !slices.Equal(got, want) {
				t.Errorf("%s shows %v as alive, want %v: of no other does a write count on the ack", name, got, want)
			}
		}
		if status := k.post("a", 7, "alone"); status != http.StatusServiceUnavailable {
			t.Errorf("post at the node that is cut off = %d, want 503", status)
		}
		if status := k.post("b", 7, "during"); status != http.StatusOK {
			t.Errorf("post at the others = %d, want 200", status)
		}
		if complete, _ := k.get("a", 7, "before"); complete == "true" {
			t.Error("the node that is cut off calls its reading complete")
		}
		if complete, has := k.get("c", 7, "during"); complete != "true" || !has {
			t.Errorf("reading at the others is complete %q, with the flow: %t, want complete with it", complete, has)
		}
		heal()
		k.mustHave(t, agreeWithin, "during", 7)
		k.mustHave(t, agreeWithin, "before", 7)
	})
}
