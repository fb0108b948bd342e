package clustertest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"flowring/internal/memnet"
	"flowring/internal/racetest"
	"flowring/node"
	"flowring/router"
)

// slowLinks gives a node links of the latency to every other node.
func (c *Cluster) slowLinks(name string, latency time.Duration) {
	for _, other := range c.Names() {
		if other != name {
			c.Net.SetLatency(c.Addr(name), c.Addr(other), latency)
			c.Net.SetLatency(c.Addr(other), c.Addr(name), latency)
		}
	}
}

// A draining node owns no hour and forwards POSTs, because balancers send POSTs to it for a while. After its store has
// left the cluster, the node forwards POSTs and GETs until it is stopped, and its own store takes no batch (P1, P2). The
// answers of an unready node ask clients to close their connections.
func TestADrainingNodeForwardsPosts(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		c := formed(t, 4, Options{Seed: 11, Copies: 3, Quorum: 2})
		k := newCaller(t, c)
		k.fill(t, 5)
		if status, closes := k.postCloses("d", 50); status != http.StatusOK || closes {
			t.Errorf("POST at a ready node = %d, closes the connection: %t, want 200 on a connection that stays", status, closes)
		}
		c.slowLinks("d", 100*time.Millisecond)
		drained := make(chan error, 1)
		go func() { drained <- c.Node("d").Drain(t.Context()) }()
		posts, done := 0, false
		for !done {
			time.Sleep(10 * time.Millisecond)
			ready := c.Node("d").Ready()
			status, closes := k.postCloses("d", 50)
			select {
			case err := <-drained:
				if err != nil {
					t.Fatalf("Drain = %v", err)
				}
				done = true
			default:
				posts++
				if status != http.StatusOK || !closes || ready == nil {
					t.Errorf("POST at a draining node = %d, closes the connection: %t, ready: %v, want 200, true, not ready", status, closes, ready)
				}
			}
		}
		if posts == 0 {
			t.Error("the drain ended before a POST was sent: the test shows nothing")
		}
		k.mustForwardDrained(t, "d")
	})
}

// mustForwardDrained checks that a drained node forwards POSTs and GETs, counts a retry once (P2), and puts no batch on
// its own store.
func (k caller) mustForwardDrained(t *testing.T, name string) {
	t.Helper()
	before := k.c.metric(t, name, "flowring_store_batches_applied_total")
	if status, closes := k.postCloses(name, 50); status != http.StatusOK || !closes {
		t.Errorf("POST at a drained node = %d, closes the connection: %t, want 200 and true", status, closes)
	}
	var hours []int
	for hour := 60; hour < 70; hour++ {
		for range 2 { // the second POST is a retry
			if status := k.postKeyed(name, hour, "drained"); status != http.StatusOK {
				t.Errorf("POST with a key at a drained node = %d, want 200", status)
			}
		}
		hours = append(hours, hour)
	}
	if applied := k.c.metric(t, name, "flowring_store_batches_applied_total") - before; applied != 0 {
		t.Errorf("the store of a drained node applied %v batches, want none", applied)
	}
	if status, text := k.readyz(name, ""); status != http.StatusServiceUnavailable || !strings.Contains(text, "drained: ") {
		t.Errorf("/readyz of a drained node = %d %q, want 503, and drained", status, text)
	}
	k.mustHave(t, time.Minute, "drained", hours...)
}

// postKeyed is post with an Idempotency-Key for the hour and src.
func (k caller) postKeyed(name string, hour int, src string) (status int) {
	status, _ = k.postReplayed(name, hour, src)
	return status
}

// postReplayed is postKeyed. It also returns whether the answer marks the request as a replay.
func (k caller) postReplayed(name string, hour int, src string) (status int, replayed bool) {
	body := fmt.Sprintf(`[{"src_app":%q,"dest_app":"d","vpc_id":"v","bytes_tx":%d,"bytes_rx":0,"hour":%d}]`, src, hour, hour)
	req, err := http.NewRequest("POST", "http://"+at(k.c.Addr(name), HTTPPort)+"/flows", strings.NewReader(body))
	if err != nil {
		return 0, false
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", fmt.Sprintf("%s-%d", src, hour))
	res, err := k.Do(req)
	if err != nil {
		return 0, false
	}
	defer res.Body.Close()
	io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Header.Get("Idempotency-Replayed") == "true"
}

// postCloses writes one flow. It returns the status, and whether the answer closes the connection.
func (k caller) postCloses(name string, hour int) (status int, closes bool) {
	body := fmt.Sprintf(`[{"src_app":"s","dest_app":"d","vpc_id":"v","bytes_tx":1,"bytes_rx":0,"hour":%d}]`, hour)
	res, err := k.Post("http://"+at(k.c.Addr(name), HTTPPort)+"/flows", "application/json", strings.NewReader(body))
	if err != nil {
		return 0, false
	}
	defer res.Body.Close()
	io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Close
}

// A drain whose caller goes away, or whose node is restarted, is given up: 10 s later the node is ready again, no store
// is leaving, and one more node may fail, as without the drain. Meanwhile /members and /readyz show the drain, and a
// 503 names the store that is leaving.
func TestADrainThatIsGivenUp(t *testing.T) {
	for _, nodes := range []int{3, 4} {
		for _, end := range []string{"its caller goes away", "its node is stopped", "its node is killed"} {
			t.Run(fmt.Sprintf("%d nodes, %s", nodes, end), func(t *testing.T) {
				racetest.Bubble(t, func(t *testing.T) {
					c := formed(t, nodes, Options{Seed: 13, Copies: 3, Quorum: 2})
					k := newCaller(t, c)
					hours := k.fill(t, 10)
					heal := c.Partition([]string{"c"}, memnet.Traffic{Port: PeerPort})
					ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
					defer cancel()
					drained := make(chan error, 1)
					go func() { drained <- c.Node("c").Drain(ctx) }()
					time.Sleep(3500 * time.Millisecond)
					if _, text := k.readyz("c", ""); !strings.Contains(text, "draining: ") {
						t.Errorf("/readyz of a draining node = %q, want it to say so", text)
					}
					if m := memberOf(c.Node("c"), "c"); !m.Leaving || m.Drain == nil {
						t.Errorf("/members of a draining node = %+v, want it leaving, with how far it is", m)
					}
					if _, text := k.problem("c"); !strings.Contains(text, "the store of c is leaving") {
						t.Errorf("a POST without a quorum at a draining node is refused with %q, want the store named", text)
					}
					switch end {
					case "its node is stopped":
						c.Stop("c", 25*time.Second)
					case "its node is killed":
						c.Kill("c")
					}
					if err := <-drained; err == nil {
						t.Error("Drain = nil, want why it was given up")
					}
					heal()
					if end != "its caller goes away" {
						c.Start("c")
					}
					time.Sleep(10 * time.Second)
					c.mustAgree(t, 0)
					for _, m := range c.Node("a").Members().Members {
						if m.Leaving {
							t.Errorf("10 s after a drain was given up a store is leaving: %+v", m)
						}
					}
					c.Kill("b")
					time.Sleep(3 * time.Second)
					if status, text := k.problem("a"); status != http.StatusOK {
						t.Errorf("POST with one node less = %d %s, want 200", status, text)
					}
					k.mustHave(t, time.Minute, "before", hours...)
				})
			})
		}
	}
}

// Two stores whose drains are given up at one moment are both established again, although only one other store can
// confirm them.
func TestTwoDrainsThatAreGivenUp(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		c := formed(t, 3, Options{Seed: 14, Copies: 3, Quorum: 2})
		k := newCaller(t, c)
		hours := k.fill(t, 10)
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		var wg sync.WaitGroup
		for _, name := range []string{"b", "c"} {
			wg.Go(func() {
				if err := c.Node(name).Drain(ctx); err == nil {
					t.Errorf("Drain(%s) = nil, though fewer than W stores are left", name)
				}
			})
		}
		wg.Wait()
		c.mustAgree(t, 10*time.Second)
		k.mustHave(t, time.Minute, "before", hours...)
	})
}

// memberOf returns the live store of a node in the view of another node.
func memberOf(n *node.Node, name string) router.Member {
	for _, m := range n.Members().Members {
		if m.Name == name && m.State == "alive" {
			return m
		}
	}
	return router.Member{}
}

// problem posts one flow, and returns the status and the body of the answer.
func (k caller) problem(name string) (int, string) {
	body := `[{"src_app":"s","dest_app":"d","vpc_id":"v","bytes_tx":1,"bytes_rx":0,"hour":50}]`
	res, err := k.Post("http://"+at(k.c.Addr(name), HTTPPort)+"/flows", "application/json", strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}
