package node_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"flowring/flow"
	"flowring/internal/ledger"
)

// TestConcurrentWritersAndReaders has two writers and two readers at every node, for 3 s, or 30 s with FLOWRING_LONG=1.
// The ledger judges every answer (P2, P4, P11).
func TestConcurrentWritersAndReaders(t *testing.T) {
	for _, tt := range []struct{ copies, quorum int }{{1, 1}, {3, 2}} {
		t.Run(fmt.Sprintf("%d copies", tt.copies), func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, 3, copies(tt.copies, tt.quorum))
			c.formed("a", "b", "c")
			long := 3 * time.Second
			if longMode() {
				long = 30 * time.Second
			}
			ctx, cancel := context.WithTimeout(t.Context(), long)
			defer cancel()
			l := ledger.New()
			var reads atomic.Int64
			var g errgroup.Group
			for _, name := range c.names() {
				for i := range 2 {
					g.Go(func() error { return c.write(ctx, l, name, fmt.Sprintf("%s-%d", name, i)) })
					g.Go(func() error { return c.read(ctx, l, name, &reads) })
				}
			}
			if err := g.Wait(); err != nil {
				t.Fatal(err)
			}
			t.Logf("%d batches, %d complete reads", l.Acknowledged(), reads.Load())
			if reads.Load() == 0 || l.Acknowledged() != l.Sent() {
				t.Errorf("%d complete reads, %d of %d batches acknowledged; want some, and all", reads.Load(), l.Acknowledged(), l.Sent())
			}
			for _, name := range c.names() {
				if err := c.exact(l, name); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

const loadHours = 5

// write posts batches until ctx ends, and each batch until it is acknowledged.
func (c *cluster) write(ctx context.Context, l *ledger.Ledger, name, writer string) error {
	for i := 0; ctx.Err() == nil; i++ {
		b := l.Enter(rand.N(flow.Hour(loadHours)), fmt.Sprintf("%s-%d", writer, i), 1+rand.Int64N(1<<30))
		if err := poll(func() error {
			_, err := c.post(name, b.Name, b.Records()...)
			return err
		}); err != nil {
			return err
		}
		l.Acknowledge(b)
	}
	return nil
}

// read reads hours until ctx ends, and counts complete reads.
func (c *cluster) read(ctx context.Context, l *ledger.Ledger, name string, reads *atomic.Int64) error {
	for ctx.Err() == nil {
		hour := rand.N(flow.Hour(loadHours))
		owed := l.Owed(hour)
		r, err := c.get(name, int64(hour), "")
		if err != nil {
			return err
		}
		if r.status != http.StatusOK {
			continue
		}
		if faults := l.Judge(hour, owed, r.records, r.complete == "true"); faults != nil {
			return fmt.Errorf("at %s: %s", name, strings.Join(faults, "; "))
		}
		if r.complete == "true" {
			reads.Add(1)
		}
	}
	return nil
}

// exact returns nil if a node shows every batch of every hour in complete reads.
func (c *cluster) exact(l *ledger.Ledger, name string) error {
	for _, hour := range l.Hours() {
		r, err := c.complete(name, int64(hour))
		if err != nil || r.status != http.StatusOK {
			return fmt.Errorf("get(%s, hour %d) = %d, %v", name, hour, r.status, err)
		}
		if faults := l.Judge(hour, l.Owed(hour), r.records, true); faults != nil {
			return fmt.Errorf("at %s: %s", name, strings.Join(faults, "; "))
		}
	}
	return nil
}
