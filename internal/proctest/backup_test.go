//go:build linux

package proctest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"flowring/flow"
)

// backedUp returns a cluster of three nodes, which make backups in a folder each.
func backedUp(t *testing.T) *cluster {
	t.Helper()
	c := newCluster(t, 3, 3)
	for _, p := range c.nodes {
		p.args = append(p.args, "--backup-dir", t.TempDir())
	}
	c.start()
	return c
}

// backUp makes a backup of a running node, and returns its folder.
func (c *cluster) backUp(p *process) string {
	c.t.Helper()
	c.command("backup", "--to", "monday", "--target", p.url())
	return filepath.Join(p.args[len(p.args)-1], "monday")
}

// command runs a command of the program.
func (c *cluster) command(args ...string) {
	c.t.Helper()
	cmd := exec.Command(os.Getenv(envBinary), args...)
	cmd.Env = environment()
	out, err := cmd.CombinedOutput()
	if c.t.Logf("flowring %v\n%s", args, out); err != nil {
		c.t.Fatalf("flowring %v: %v", args, err)
	}
}

// A backup of one node of three is restored after the others went on for 1,000 posts, while clients write and read. Nothing
// is lost or counted twice, and no read that says true or unproven is low meanwhile (P1, P2, P4, P9).
func TestABackupOfOneNodeIsRestored(t *testing.T) {
	t.Parallel()
	c := backedUp(t)
	old := c.nodes[0]
	l := c.run(&load{nodes: slices.Clone(c.nodes), total: true}, 8, 2)
	l.waitPosts(100)
	folder := c.backUp(old)
	old.kill()
	l.waitPosts(1000)
	wipe(t, old.data)
	c.command("restore", folder, "--data-dir", old.data)
	old.start()
	l.waitPosts(200)
	c.waitReady(old)
	l.finish(c.nodes...)
	c.sameStores(c.nodes...)
}

// waitPosts waits until the load has made so many posts more.
func (l *load) waitPosts(more int) {
	l.c.t.Helper()
	posts := func() int {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.posts
	}
	want := posts() + more
	l.c.eventually(func() error {
		if have := posts(); have < want {
			return fmt.Errorf("%d posts, want %d", have, want)
		}
		return nil
	})
}

// Backups of all three nodes are restored elsewhere under another name of the cluster. The copy has every acknowledged
// batch, stays apart from the cluster that goes on, and takes writes of its own.
func TestBackupsOfAllNodesAreRestoredElsewhere(t *testing.T) {
	t.Parallel()
	c := backedUp(t)
	l := c.startLoad(6, 1)
	l.waitPosts(300)
	l.finish(c.nodes...)
	copied := newCluster(t, 3, 3)
	for i, p := range c.nodes {
		copied.command("restore", c.backUp(p), "--data-dir", copied.nodes[i].data)
		copied.nodes[i].args = append(copied.nodes[i].args, "--cluster", "copy", "--rename-cluster")
	}
	more := c.startLoad(6, 1)
	more.waitPosts(300)
	copied.start()
	const own = flow.Hour(7)
	copied.postTo(copied.nodes[0], "own", randomRecords(own, 10), false)
	more.finish(c.nodes...)
	for _, hour := range l.book.Hours() {
		if got, want := copied.completeDocument(copied.nodes[1], hour), c.completeDocument(c.nodes[1], hour); !bytes.Equal(got, want) {
			t.Errorf("hour %d of the copy differs", hour)
		}
	}
	for _, hour := range more.book.Hours() {
		if got := copied.completeDocument(copied.nodes[2], hour); !bytes.Equal(bytes.TrimSpace(got), []byte("[]")) {
			t.Errorf("hour %d, of after the backup, is in the copy: %.200s", hour, got)
		}
	}
	if got := c.completeDocument(c.nodes[2], own); !bytes.Equal(bytes.TrimSpace(got), []byte("[]")) {
		t.Errorf("the hour of the copy is in the cluster: %.200s", got)
	}
	c.ring(3, c.nodes...)
	copied.ring(3, copied.nodes...)
	copied.sameStores(copied.nodes...)
}
