package clustertest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"flowring/internal/racetest"
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

// A draining node owns nothing, and forwards POSTs as any such node does: balancers send them for a while longer. Once it has left it
// refuses them. The answers of a node that is not ready ask clients to close their connections.
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
		if status, closes := k.postCloses("d", 50); status != http.StatusServiceUnavailable || !closes {
			t.Errorf("POST at a drained node = %d, closes the connection: %t, want 503 and true", status, closes)
		}
	})
}

// postCloses writes one flow. It returns the status, and whether the answer says that the connection is closed.
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
