package clustertest

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"flowring/internal/racetest"
	"flowring/node"
	"flowring/store/limits"
)

// With hours of the Unix epoch, hours far ahead are refused at every node, alone and beside a good hour, and nothing of
// such a request is stored (P3). A retry of a stored request is a 200 after all clocks were set back. A node whose clock
// is wrong by itself does not judge: it refuses no present hour.
func TestHoursFarAheadAreRefusedByRightClocks(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		var all, ofB atomic.Int64 // the clocks of all nodes, and of b, are ahead by these
		c := formed(t, 3, Options{
			Seed: 5, Copies: 3,
			Configure: func(cfg *node.Config) { cfg.Hours, cfg.MaxFuture = limits.UnixHours, 48*time.Hour },
			Clock: func(node string) time.Time {
				ahead := all.Load()
				if node == "b" {
					ahead += ofB.Load()
				}
				return time.Now().Add(time.Duration(ahead))
			},
		})
		k := newCaller(t, c)
		now := time.Now().Unix() / 3600
		post := func(name, key string, want int, hours ...int64) {
			t.Helper()
			if got, text := k.postBody(t, name, key, bodyOf(hours...)); got != want {
				t.Errorf("POST of the hours %v at %s, with the present hour %d = %d %s, want %d", hours, name, now, got, text, want)
			}
		}
		for i, name := range c.Running() {
			post(name, fmt.Sprint("last-", i), 200, now+48)
			post(name, fmt.Sprint("far-", i), 400, now+60)
			post(name, fmt.Sprint("both-", i), 400, now+1, now+61)
		}
		all.Store(int64(12 * time.Hour))
		post("a", "early", 200, now+60)
		all.Store(0)
		for _, name := range c.Running() {
			post(name, "early", 200, now+60)
			post(name, "late-"+name, 400, now+60)
		}
		for _, hour := range []int64{now + 1, now + 61} {
			if complete, has := k.get("c", int(hour), "s"); complete != "true" || has {
				t.Errorf("hour %d of a refused request is %q, has it: %t, want an empty hour", hour, complete, has)
			}
		}
		ofB.Store(int64(-1000 * time.Hour))
		time.Sleep(30 * time.Second)
		for hour := range int64(20) {
			post("a", fmt.Sprint("present-", hour), 200, now-hour)
		}
	})
}
