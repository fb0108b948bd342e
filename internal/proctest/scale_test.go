//go:build linux

package proctest

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"
)

// TestScaleOutAndIn scales from three nodes to five and back to three, while clients write and read. Two of the first
// nodes leave. No batch is lost or counted twice (P2, P4, P10), also with one copy.
func TestScaleOutAndIn(t *testing.T) {
	t.Parallel()
	for _, copies := range []int{1, 3} {
		t.Run(fmt.Sprintf("R=%d", copies), func(t *testing.T) {
			t.Parallel()
			newCluster(t, copies, 3).scaleOutAndIn()
		})
	}
}

func (c *cluster) scaleOutAndIn() {
	c.start()
	added := []*process{c.add(), c.add()}
	l := c.startLoad(4, 2)
	for _, p := range added {
		pause(time.Second)
		c.restart(p)
	}
	c.ring(5, c.nodes...)
	c.t.Log("five nodes")
	pause(time.Second)
	for _, p := range c.nodes[:2] {
		c.drain(p)
		pause(time.Second)
	}
	left := c.nodes[2:]
	c.ring(3, left...)
	c.t.Log("three nodes")
	pause(time.Second)
	l.finish(left...)
	if c.copies == len(left) {
		c.sameStores(left...)
	}
}

// drain drains a node and stops it for good.
func (c *cluster) drain(p *process) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	begun := time.Now()
	a, err := c.askFor(ctx, http.MethodPost, p.url()+"/admin/drain?node="+p.name, nil, nil)
	if err != nil || a.status != http.StatusOK {
		c.t.Fatalf("drain %s: %d %s, %v", p, a.status, a.body, err)
	}
	c.t.Logf("%s was drained in %v", p, time.Since(begun).Round(time.Millisecond))
	p.terminate()
}
