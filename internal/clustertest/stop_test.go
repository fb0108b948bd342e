package clustertest

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"flowring/internal/racetest"
)

// quick is the limit for a stop without other nodes to secure data on.
const quick = 5 * time.Second

// If all nodes stop at once, no node waits for another one, and nothing is lost.
func TestAWholeClusterStopsQuickly(t *testing.T) {
	for _, tt := range []struct{ copies, quorum int }{{1, 1}, {2, 2}, {3, 2}} {
		t.Run(fmt.Sprintf("R=%d, W=%d", tt.copies, tt.quorum), func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				c := formed(t, 3, Options{Seed: 1, Copies: tt.copies, Quorum: tt.quorum})
				k := newCaller(t, c)
				hours := k.fill(t, 20)
				var wg sync.WaitGroup
				for _, name := range c.Running() {
					wg.Go(func() { c.mustStop(t, name) })
				}
				wg.Wait()
				c.Start("a", "b", "c")
				c.mustAgree(t, agreeWithin)
				k.mustHave(t, time.Minute, "before", hours...)
			})
		})
	}
}

// mustStop stops a node as SIGTERM does, and fails the test unless the stop is quick and without an error.
func (c *Cluster) mustStop(t *testing.T, name string) {
	t.Helper()
	begun := time.Now()
	if err := c.Stop(name, 25*time.Second); err != nil || time.Since(begun) > quick {
		t.Errorf("stop(%s) = %v after %v, want nil within %v", name, err, time.Since(begun), quick)
	}
}

// fill writes a number of hours.
func (k caller) fill(t *testing.T, n int) (hours []int) {
	t.Helper()
	for hour := range n {
		if status := k.post("a", hour, "before"); status != http.StatusOK {
			t.Fatalf("post = %d, want 200", status)
		}
		hours = append(hours, hour)
	}
	return hours
}

// If nodes stop one after the other, the last two find no node for their hours, log that twice, and end.
func TestTheLastNodesStopQuicklyAndQuietly(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		var log lockedBuffer
		c := formed(t, 3, Options{Seed: 2, Copies: 2, Quorum: 2, Log: slog.New(slog.NewTextHandler(&log, nil))})
		k := newCaller(t, c)
		hours := k.fill(t, 20)
		for _, name := range letters[:3] {
			log.Reset()
			c.mustStop(t, name)
			want := map[string]int{"a": 0}
			if name != "a" {
				want[name] = 1
			}
			for _, message := range []string{"not yet on enough other stores", "not on enough other stores"} {
				if got := strings.Count(log.String(), `"`+message+`"`); got != want[name] {
					t.Errorf("stop(%s) said %q %d times, want %d", name, message, got, want[name])
				}
			}
		}
		c.Start("a", "b", "c")
		c.mustAgree(t, agreeWithin)
		k.mustHave(t, time.Minute, "before", hours...)
	})
}

// lockedBuffer is a buffer for many goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

// An unused connection does not delay the stop of a node.
func TestAnUnusedConnectionHoldsUpNoStop(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		c := formed(t, 1, Options{Seed: 3})
		for _, port := range []int{HTTPPort, PeerPort} {
			conn, err := c.Net.Host("10.0.5.1").DialContext(t.Context(), "tcp", at(c.Addr("a"), port))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
		}
		time.Sleep(100 * time.Millisecond)
		begun := time.Now()
		if err := c.Stop("a", 25*time.Second); err != nil || time.Since(begun) > time.Second {
			t.Errorf("Stop = %v after %v, want nil within a second", err, time.Since(begun))
		}
	})
}
