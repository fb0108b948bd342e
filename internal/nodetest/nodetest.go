package nodetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"flowring/node"
)

// Patience is the time for an event that comes in the end, on a busy machine too.
const Patience = 5 * time.Minute

// Start returns the nodes n1, n2 and so on of a cluster, once all are ready. They end with the test. A change changes
// the configuration of each node.
func Start(t testing.TB, size int, changes ...func(*node.Config)) (nodes []*node.Node) {
	t.Helper()
	var join []string
	for i := range size {
		cfg := node.Default(fmt.Sprint("n", i+1))
		cfg.MinFree = 0 // the tests do not depend on the free space of the machine
		cfg.ReplicationFactor, cfg.Join, cfg.DataDir = size, join, t.TempDir()
		cfg.HTTPAddr, cfg.PeerAddr, cfg.GossipAddr = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
		for _, change := range changes {
			change(&cfg)
		}
		n, err := node.New(cfg, node.Deps{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := n.Abort(); err != nil {
				t.Logf("stop: %v", err)
			}
		})
		if err := n.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		nodes, join = append(nodes, n), append(join, n.Addresses().Gossip)
	}
	for _, n := range nodes {
		Eventually(t, n.Ready)
	}
	return nodes
}

// Eventually waits until check returns nil. After Patience it fails the test with the last error.
func Eventually(t testing.TB, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for err := check(); err != nil; err = check() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal(err)
		}
	}
}
