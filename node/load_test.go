package node_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// ledger knows what was sent of each hour's shared flow: a complete reading lies between what was acknowledged before it began
// and what was attempted before it ended, and never below an earlier one (P4).
type ledger struct {
	mu        sync.Mutex
	acked     map[int64]int64
	attempted map[int64]int64
	shown     map[int64]int64            // by complete readings that have ended
	batches   map[int64]map[string]int64 // acknowledged: by hour and name of the batch's own flow
	reads     int
}

func newLedger() *ledger {
	return &ledger{
		acked: map[int64]int64{}, attempted: map[int64]int64{}, shown: map[int64]int64{}, batches: map[int64]map[string]int64{},
	}
}

func (l *ledger) attempt(hour, weight int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.attempted[hour] += weight
}

func (l *ledger) ack(hour int64, own string, weight int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked[hour] += weight
	if l.batches[hour] == nil {
		l.batches[hour] = map[string]int64{}
	}
	l.batches[hour][own] = weight
}

// floor returns the least that a complete reading which begins now may say.
func (l *ledger) floor(hour int64) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(l.acked[hour], l.shown[hour])
}

// judge returns what is wrong with a complete reading that began at floor.
func (l *ledger) judge(hour, floor, total int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reads++
	l.shown[hour] = max(l.shown[hour], total)
	if total < floor || total > l.attempted[hour] {
		return fmt.Errorf("hour %d is %d in a complete reading, want %d to %d", hour, total, floor, l.attempted[hour])
	}
	return nil
}

// TestConcurrentWritersAndReaders has two writers and two readers at every node, for 3 s, or 30 s with FLOWRING_LONG=1. Each
// batch writes a flow of its own, so that a batch lost or counted twice shows, and the flow that all share.
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
			l := newLedger()
			var g errgroup.Group
			for _, name := range c.names() {
				for i := range 2 {
					g.Go(func() error { return c.write(ctx, l, name, fmt.Sprintf("%s-%d", name, i)) })
					g.Go(func() error { return c.read(ctx, l, name) })
				}
			}
			if err := g.Wait(); err != nil {
				t.Fatal(err)
			}
			t.Logf("%d complete readings, totals %v", l.reads, l.acked)
			if l.reads == 0 {
				t.Error("no complete reading")
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

// write posts batches until ctx ends, each until it is acknowledged.
func (c *cluster) write(ctx context.Context, l *ledger, name, writer string) error {
	for i := 0; ctx.Err() == nil; i++ {
		hour, weight := rand.Int64N(loadHours), 1+rand.Int64N(1<<30)
		own := fmt.Sprintf("%s-%d", writer, i)
		l.attempt(hour, weight)
		if err := poll(func() error {
			_, err := c.post(name, own, of(hour, own, weight), of(hour, "shared", weight))
			return err
		}); err != nil {
			return err
		}
		l.ack(hour, own, weight)
	}
	return nil
}

// read reads hours until ctx ends.
func (c *cluster) read(ctx context.Context, l *ledger, name string) error {
	for ctx.Err() == nil {
		hour := rand.Int64N(loadHours)
		floor := l.floor(hour)
		r, err := c.get(name, hour, "")
		switch {
		case err != nil:
			return err
		case r.status == http.StatusOK && r.complete == "true":
			if err := l.judge(hour, floor, r.totals["shared"]); err != nil {
				return fmt.Errorf("at %s: %w", name, err)
			}
		}
	}
	return nil
}

// exact returns nil if a node says of every hour exactly what was acknowledged.
func (c *cluster) exact(l *ledger, name string) error {
	for hour := range int64(loadHours) {
		r, err := c.get(name, hour, "&require=complete")
		if err != nil || r.status != http.StatusOK {
			return fmt.Errorf("get(%s, hour %d) = %d, %v", name, hour, r.status, err)
		}
		if got, want := r.totals["shared"], l.acked[hour]; got != want {
			return fmt.Errorf("%s: hour %d is %d, want %d", name, hour, got, want)
		}
		if got, want := len(r.totals), len(l.batches[hour])+1; got != want && want > 1 {
			return fmt.Errorf("%s: hour %d has %d flows, want %d", name, hour, got, want)
		}
		for own, weight := range l.batches[hour] {
			if got := r.totals[own]; got != weight {
				return fmt.Errorf("%s: hour %d: flow %s has %d, want %d", name, hour, own, got, weight)
			}
		}
	}
	return nil
}
