package clustertest

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"flowring/internal/racetest"
)

// held returns the number of hours that each running node holds.
func (c *Cluster) held() map[string]int {
	held := map[string]int{}
	for _, name := range c.Running() {
		held[name], _ = c.hoursOf(name)
	}
	return held
}

// moved returns the number of hours handed over, and of batches fetched, by nodes since their start.
func (c *Cluster) moved(t *testing.T, names ...string) (n float64) {
	t.Helper()
	for _, name := range names {
		n += c.metric(t, name, "flowring_handed_over_slices_total") + c.metric(t, name, "flowring_repair_batches_fetched_total")
	}
	return n
}

// A node that returns at another address with its disk is used again within 10 s, and no hour moves (P8). Negative
// control: an hour that is written while its owner is away moves at the return of the owner.
func TestARestartAtAnotherAddressMovesNothing(t *testing.T) {
	for _, written := range []int{0, 1} {
		t.Run(fmt.Sprintf("with %d hours written meanwhile", written), func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				c := formed(t, 3, Options{Seed: 4})
				k := newCaller(t, c)
				hours := k.fill(t, 60)
				held, moved, ring := c.held(), c.moved(t, "a", "b"), c.Node("a").Members().Ring.Version
				old := c.Addr("c")
				c.Kill("c")
				time.Sleep(5 * time.Second)
				for _, hour := range hoursPlaced(len(hours)+written, "c", "a", "b")[len(hours):] { // later than all of hours
					if status := k.post("a", hour, "meanwhile"); status != 200 {
						t.Fatalf("post = %d, want 200", status)
					}
				}
				c.Start("c")
				c.mustAgree(t, 10*time.Second)
				k.mustHave(t, 10*time.Second, "before", hours...)
				time.Sleep(time.Minute)
				if c.Addr("c") == old {
					t.Fatal("c is at its old address: the test shows nothing")
				}
				if now := c.Node("a").Members().Ring.Version; now != ring {
					t.Errorf("ring version %s, want %s as before", now, ring)
				}
				held["c"] += written
				if now := c.held(); !maps.Equal(now, held) {
					t.Errorf("hours held = %v, want %v", now, held)
				}
				if n := c.moved(t, "a", "b") - moved; n != float64(written) {
					t.Errorf("%v hours or batches moved, want %d", n, written)
				}
			})
		})
	}
}

// A late node takes its share: each hour of which it is a replica moves once, and no other hour moves.
func TestALateNodeTakesItsShareOnce(t *testing.T) {
	for copies := 1; copies <= 2; copies++ {
		t.Run(fmt.Sprintf("%d copies", copies), func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				c := formed(t, 3, Options{Seed: 5, Copies: copies, Quorum: copies})
				k := newCaller(t, c)
				hours := k.fill(t, 60)
				before := c.held()
				c.Start("d")
				c.mustAgree(t, agreeWithin)
				time.Sleep(time.Minute)
				held, all, dropped := c.held(), 0, 0.0
				for name, n := range held {
					all += n
					dropped += c.metric(t, name, "flowring_handed_over_slices_total")
				}
				if all != copies*len(hours) || held["d"] == 0 || dropped != float64(held["d"]) {
					t.Errorf("hours held before and after = %v, %v, want %d in all, some of them at d; %v were handed over, want those of d",
						before, held, copies*len(hours), dropped)
				}
				k.mustHave(t, 0, "before", hours...)
			})
		})
	}
}
