//go:build linux

package proctest

import (
	"fmt"
	"testing"
	"time"
)

// TestRollingRestart stops and starts the nodes one after the other, as an update does, while clients write and read.
// No complete read lacks an acknowledged batch (P4), and no hour moves (P8).
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, 3)
	c.start()
	l := c.startLoad(4, 4)
	version := c.ring(3, c.nodes...)
	for range rounds() {
		for _, p := range c.nodes {
			pause(500 * time.Millisecond)
			begun := time.Now()
			p.terminate()
			stopped := time.Since(begun)
			c.restart(p)
			t.Logf("%s stopped in %v, was ready again after %v", p, stopped, time.Since(begun))
			c.used(p)
			if got := c.ring(3, c.nodes...); got != version {
				t.Errorf("ring after %s came back = %s, want %s", p, got, version)
			}
		}
	}
	l.finish(c.nodes...)
	c.sameStores(c.nodes...)
}

func rounds() int {
	if long() {
		return 10
	}
	return 1
}

// used waits until every other node sees p alive again (P8).
func (c *cluster) used(p *process) {
	c.t.Helper()
	c.eventually(func() error {
		for _, other := range c.nodes {
			view, err := c.members(other)
			if err != nil {
				return err
			}
			for _, m := range view.Members {
				if m.Name == p.name && m.State != "alive" {
					return fmt.Errorf("%s sees %s as %s", other, p, m.State)
				}
			}
		}
		return nil
	})
}
