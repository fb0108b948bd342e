//go:build linux

package proctest

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestKillsAndFreezes kills or freezes one node at a time, and brings it back, while clients write to random nodes. Two
// nodes always run, so every request succeeds in the end and counts exactly once (P1, P2, P8).
func TestKillsAndFreezes(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, 3)
	c.start()
	l := c.startLoad(6, 2)
	lasts := 10 * time.Second
	if long() {
		lasts = time.Minute
	}
	for begun := time.Now(); time.Since(begun) < lasts; {
		pause(between(time.Second, 3*time.Second) / 2)
		p := c.nodes[rand.IntN(len(c.nodes))]
		if rand.IntN(2) == 0 {
			c.fault("kill -9", p, (*process).kill, (*process).start)
		} else {
			c.fault("freeze", p, (*process).freeze, (*process).thaw)
		}
	}
	l.finish(c.nodes...)
	c.sameStores(c.nodes...)
}

// fault injects a fault, ends it after a while, and waits until the node is ready again.
func (c *cluster) fault(what string, p *process, do, undo func(*process)) {
	c.t.Helper()
	lasts := between(time.Second, 3*time.Second)
	c.t.Logf("%s: %s %s for %v", time.Now().Format("15:04:05.000"), what, p, lasts.Round(time.Millisecond))
	do(p)
	pause(lasts)
	undo(p)
	c.waitReady(p)
}

// TestEverythingDiesThenADiskIsLost leaves one node alone for a moment and then kills all nodes. That node comes back
// with an empty disk; once it is a member again, another node is lost for good. With W=2 no acknowledged batch is lost,
// because a single node acknowledges nothing, and reads become complete again (P1, P4, P9).
func TestEverythingDiesThenADiskIsLost(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, 3)
	c.start()
	l := c.startLoad(6, 2)
	pause(2 * time.Second)
	wiped, lost, last := c.nodes[0], c.nodes[1], c.nodes[2]
	lost.freeze()
	last.freeze()
	pause(time.Second)
	for _, p := range c.nodes {
		p.kill()
	}
	wipe(t, wiped.data)
	for _, p := range c.nodes {
		p.start()
	}
	c.waitReady(c.nodes...)
	c.ring(3, c.nodes...) // the store that was on the lost disk is forgotten
	pause(time.Second)
	l.finish(c.nodes...)
	t.Logf("%s is gone for good", lost)
	lost.kill()
	l.check(wiped, last)
}

// wipe empties a folder, as if the disk were new.
func wipe(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) == 0 {
		t.Errorf("%s is empty before it is wiped", dir)
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
}
