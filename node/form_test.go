package node_test

import (
	"fmt"
	"net/http"
	"os"
	"testing"

	"go.uber.org/goleak"

	"flowring/node"
	"flowring/ring"
)

// TestMain fails if a goroutine remains after the last test (P18). A probe of the gossip library may outlive its node
// by some seconds.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if err := poll(func() error { return goleak.Find() }); err != nil {
			fmt.Fprintln(os.Stderr, "after the last test:", err)
			code = 1
		}
	}
	os.Exit(code)
}

func ringOf(names []string) *ring.Ring { return ring.New(names, 1) }

func TestClustersFormAndForward(t *testing.T) {
	five := []string{"a", "b", "c", "d", "e"}
	for _, tt := range []struct {
		size, copies, quorum int
		hours                int64
	}{{3, 1, 1, 60}, {3, 3, 2, 60}, {5, 1, 1, 20}, {5, 3, 2, 20}} {
		t.Run(fmt.Sprintf("%d nodes with %d copies", tt.size, tt.copies), func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, tt.size, copies(tt.copies, tt.quorum))
			c.formed(five[:tt.size]...)
			c.fill("a", tt.hours)
			if err := c.filled(tt.hours); err != nil {
				t.Error(err)
			}
			// With a smaller quorum some copies follow after the answer. The load is spread.
			c.eventually(func() error {
				total, held := 0, c.hours()
				for name, n := range held {
					if total += n; n == 0 {
						return fmt.Errorf("%s holds no hour of %v", name, held)
					}
				}
				if want := int(tt.hours) * tt.copies; total != want {
					return fmt.Errorf("copies of hours held = %v, %d in all, want %d", held, total, want)
				}
				return nil
			})
		})
	}
}

func TestOneNodeIsAClusterOfItsOwn(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 0, copies(1, 1))
	c.formed("a")
	c.fill("a", 3)
	if err := c.filled(3); err != nil {
		t.Error(err)
	}
}

func TestClusterIsNotFoundedByFewerThanExpected(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, copies(1, 1))
	c.start("a", "b")
	c.eventually(func() error {
		if got, want := fmt.Sprint(c.nodes["a"].Ready()), "not established: 2 nodes visible, 3 expected"; got != want {
			return fmt.Errorf("Ready() = %s, want %s", got, want)
		}
		return nil
	})
	if status, err := c.post("a", "", of(1, "app", 1)); status != http.StatusServiceUnavailable {
		t.Errorf("post before the cluster is founded = %d, %v, want 503", status, err)
	}
	c.start("c")
	c.waitReady()
	c.mustPost("a", "", of(1, "app", 1))
}

// Three nodes with one list of all three, and without --bootstrap-expect, make one cluster: each node's own address in
// the list counts once.
func TestNodesWithOneListFormWithoutANumber(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, func(cfg *node.Config) { cfg.BootstrapExpect = 0 })
	c.start("a", "b")
	c.eventually(func() error {
		if got, want := fmt.Sprint(c.nodes["a"].Ready()), "not established: 2 nodes visible, 3 expected"; got != want {
			return fmt.Errorf("Ready() = %s, want %s", got, want)
		}
		return nil
	})
	c.start("c")
	c.formed()
}

// A node stays in its cluster when its setting of the cluster's name changes. All nodes are renamed together, while
// they are stopped. (P8)
func TestAClusterIsRenamedWhileAllNodesAreStopped(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, copies(3, 2))
	c.formed("a", "b", "c")
	c.fill("a", 3)
	restart := func(name string, set func(*node.Config), names ...string) {
		t.Helper()
		for _, n := range names {
			c.kill(n)
		}
		for _, n := range names {
			cfg := c.configAt(n, int(n[0]-'a')+1)
			cfg.Cluster = name
			set(&cfg)
			c.startWith(cfg)
		}
		c.waitReady()
	}
	restart("flows.flowring", func(*node.Config) {}, "b") // the manifests are newer than the folder
	restart("flows.flowring", func(cfg *node.Config) { cfg.RenameCluster = true }, "a", "b", "c")
	restart("flows.flowring", func(*node.Config) {}, "c")
	cfg := c.config("d")
	cfg.Cluster = "flows.flowring"
	c.startWith(cfg) // an empty disk takes the name of the setting
	c.waitReady()
	c.eventually(func() error { return c.filled(3) })
}

// The graceful end of a node leaves no goroutine (P18), and its batches are on other nodes. The last two nodes have too
// few others, give up soon, and have all batches after their return. This test is not parallel, because it looks at all
// goroutines.
func TestStopEndsEveryGoroutineAndLosesNothing(t *testing.T) {
	before := goleak.IgnoreCurrent()
	c := newCluster(t, 3, copies(3, 2))
	c.formed("a", "b", "c")
	c.fill("a", 5)
	if err := c.stop("a", patience); err != nil {
		t.Errorf("stop the first node: %v", err)
	}
	for _, name := range c.names() {
		if err := c.stop(name, patience); err != nil {
			t.Errorf("stop(%s) with no other two nodes: %v", name, err)
		}
	}
	c.http.CloseIdleConnections()
	if err := poll(func() error { return goleak.Find(before) }); err != nil {
		t.Error(err)
	}
	for i, name := range []string{"a", "b", "c"} {
		c.startWith(c.configAt(name, i+1))
	}
	c.waitReady()
	c.eventually(func() error { return c.filled(5) }) // a store proves nothing right after its start (P9)
}
