package clustertest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"flowring/internal/racetest"
	"flowring/internal/safeguard"
)

// unreadable returns the number of unreadable batches that a node reports.
func (c *Cluster) unreadable(name string) uint64 {
	for _, m := range c.Node(name).Members().Members {
		if m.Name == name && m.State == "alive" {
			return m.Unreadable
		}
	}
	return 0
}

// damaged returns a cluster of three nodes and the number of its hours. The journal of b has a flipped bit, and b does
// not run.
func damaged(t *testing.T, percent int, disabled safeguard.Set) (c *Cluster, k caller, hours []int) {
	t.Helper()
	c = formed(t, 3, Options{Seed: 9, Copies: 3, Quorum: 2, Disabled: disabled})
	k = newCaller(t, c)
	for range 50 { // enough for blocks of the index
		for hour := 1; hour <= 6; hour++ {
			if status := k.post("a", hour, fmt.Sprintf("application-%x-%x", c.rng.Uint64(), c.rng.Uint64())); status != http.StatusOK {
				t.Fatalf("post = %d, want 200", status)
			}
		}
	}
	for hour := 1; hour <= 6; hour++ {
		k.post("a", hour, "last")
		hours = append(hours, hour)
	}
	time.Sleep(5 * time.Second)
	c.Stop("b", 25*time.Second)
	c.Start("b") // it moves the content of the write-ahead log to a table
	c.mustAgree(t, agreeWithin)
	c.Stop("b", 25*time.Second)
	if ok, err := c.Machine("b").Disk.Flip("data", percent); !ok || err != nil {
		t.Fatalf("Flip = %t, %v", ok, err)
	}
	return c, k, hours
}

// A store with unreadable batches reports them, fetches them within a minute even if no client reads their hours, and
// has them after a restart (P1, P4, P13). Reads during that time are complete. Without the pass over the journal the
// store does not notice the damage.
func TestBatchesThatCannotBeReadAreFetched(t *testing.T) {
	for _, percent := range []int{2, 60} {
		for _, off := range []bool{false, true} {
			disabled := safeguard.Set(0)
			if off {
				disabled = safeguard.Scrub
			}
			t.Run(fmt.Sprintf("a bit at %d %%, not noticed: %t", percent, off), func(t *testing.T) {
				racetest.Bubble(t, func(t *testing.T) {
					c, k, hours := damaged(t, percent, disabled)
					heal := c.Net.Partition([]string{c.Machine("b").address(3)}, []string{c.Addr("a"), c.Addr("c")})
					c.Start("b")
					time.Sleep(10 * time.Second)
					if n := c.unreadable("b"); n == 0 != off {
						t.Fatalf("b says that it cannot read %d batches, want that it notices: %t", n, !off)
					}
					heal()
					if off {
						return
					}
					time.Sleep(time.Minute)
					if left := c.unreadable("b"); left != 0 {
						t.Errorf("b cannot read %d batches after a minute, want none", left)
					}
					k.mustHave(t, time.Minute, "last", hours...)
					c.PowerLoss("b", 0)
					c.Start("b")
					c.mustAgree(t, agreeWithin)
					time.Sleep(time.Minute)
					if err := c.Node("b").Verify(); err != nil || c.unreadable("b") != 0 {
						t.Errorf("after a restart: %v, %d unreadable, want all readable (P15)", err, c.unreadable("b"))
					}
					k.mustHave(t, time.Minute, "last", hours...)
				})
			})
		}
	}
}

// Damage to the index of the journal, or to the roster, ends the process with a named error.
func TestDamageToTheIndexIsNamed(t *testing.T) {
	for _, percent := range []int{80, 95} {
		t.Run(fmt.Sprintf("a bit at %d %%", percent), func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				c, _, _ := damaged(t, percent, 0)
				err := c.start("b")
				if err == nil {
					select {
					case err = <-c.Node("b").Failed():
					case <-time.After(time.Minute):
					}
				}
				if err == nil || !strings.Contains(err.Error(), "journal is corrupt") {
					t.Errorf("b ends with %v, want that the journal is corrupt", err)
				}
			})
		})
	}
}
