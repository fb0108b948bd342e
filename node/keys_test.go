package node_test

import (
	"fmt"
	"slices"
	"testing"

	"flowring/node"
)

// A key belongs to one request. An owner that remembers the key refuses it for other content of any hour, through
// whichever node, and no part of a refused request is stored (P3).
func TestAKeyBelongsToOneRequest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name                  string
		nodes, copies, slices int
	}{
		{"one node", 1, 1, 1},
		{"one node with four slices", 1, 1, 4},
		{"three nodes", 3, 1, 1},
		{"three nodes with three copies", 3, 3, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, tt.nodes, func(cfg *node.Config) { cfg.ReplicationFactor, cfg.HourSlices = tt.copies, tt.slices })
			names := []string{"a", "b", "c"}[:tt.nodes]
			c.formed(names...)
			hours := hoursOf(t, "a", names, 4) // all of one owner
			ten, eleven, twelve, thirteen := hours[0], hours[1], hours[2], hours[3]
			for i, at := range names {
				k, m := fmt.Sprintf("k%d", i), fmt.Sprintf("m%d", i)
				x := func(hour, tx int64) observation { return of(hour, "x-"+at, tx) }
				for _, step := range []struct {
					name, key string
					want      int
					sent      []observation
				}{
					{"a key", k, 200, []observation{x(ten, 5)}},
					{"other content for its hour", k, 422, []observation{x(ten, 6)}},
					{"other content for another hour", k, 422, []observation{x(eleven, 6)}},
					{"the content for another hour", k, 422, []observation{x(twelve, 5)}},
					{"the first request again", k, 200, []observation{x(ten, 5)}},
					{"a key for two hours", m, 200, []observation{x(eleven, 1), x(twelve, 1)}},
					{"it for a third hour alone", m, 422, []observation{x(thirteen, 1)}},
					{"it for the second and a third hour", m, 422, []observation{x(twelve, 1), x(thirteen, 1)}},
					{"it for a third and a fourth hour", m, 422, []observation{x(thirteen, 1), x(ten, 1)}},
					{"it for the first hour alone", m, 422, []observation{x(eleven, 1)}},
					{"both hours again", m, 200, []observation{x(eleven, 1), x(twelve, 1)}},
				} {
					for _, name := range append(slices.Clone(names[i:]), names[:i]...) {
						if got, err := c.answer(name, step.key, step.sent...); got != step.want {
							t.Errorf("%s at %s = %d, %v, want %d", step.name, name, got, err, step.want)
						}
					}
				}
			}
			for hour, tx := range map[int64]int64{ten: 5, eleven: 1, twelve: 1, thirteen: 0} {
				r, err := c.complete("a", hour)
				for _, at := range names {
					if got := r.totals["x-"+at]; err != nil || got != tx {
						t.Errorf("hour %d has %d bytes of x-%s, %v, want %d", hour, got, at, err, tx)
					}
				}
			}
		})
	}
}

// hoursOf returns n hours that a node owns.
func hoursOf(t *testing.T, owner string, names []string, n int) (hours []int64) {
	t.Helper()
	on := ringOf(names)
	for hour := int64(1000); hour < 3000 && len(hours) < n; hour++ {
		if on.Owner(sliceOf(hour)) == owner {
			hours = append(hours, hour)
		}
	}
	if len(hours) < n {
		t.Fatalf("%s owns %d of 2000 hours, want %d", owner, len(hours), n)
	}
	return hours
}

// Remembered keys are a courtesy. Without them, or after a restart, a key counts once for each hour, by its content
// (P2).
func TestExactnessDoesNotDependOnRememberedKeys(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, func(cfg *node.Config) { cfg.RememberedKeys = 0 })
	c.formed("a")
	for range 2 {
		c.mustPost("a", "k", of(1, "x", 5))
		c.mustPost("a", "k", of(2, "x", 5))
		if status, err := c.post("a", "k", of(1, "x", 6)); status != 422 {
			t.Errorf("other content for an hour that has the key = %d, %v, want 422", status, err)
		}
	}
	for hour := range int64(2) {
		if r, err := c.get("a", hour+1, ""); err != nil || fmt.Sprint(r.totals) != "map[x:5]" {
			t.Errorf("hour %d is %v, %v, want x once", hour+1, r.totals, err)
		}
	}
}
