package node_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"flowring/node"
)

// Whichever node is asked, the owner of an hour keeps to the limits, and what it refuses is stored nowhere (P3, P12).
func TestTheOwnerKeepsToTheLimits(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, func(cfg *node.Config) {
		cfg.ReplicationFactor, cfg.MaxFlowsPerHour, cfg.MaxHours = 3, 2, 3
	})
	c.formed("a", "b", "c")
	for _, tt := range []struct {
		name, at string
		sent     []observation
		problem  string // "": stored
	}{
		{"as many flows as may be", "a", []observation{of(1, "x", 1), of(1, "y", 1)}, ""},
		{"the same flows again", "b", []observation{of(1, "x", 1), of(1, "y", 1)}, ""},
		{"one more", "b", []observation{of(1, "z", 1)}, "too-many-flows"},
		{"one more, at another node", "c", []observation{of(1, "x", 1), of(1, "z", 1)}, "too-many-flows"},
		{"an hour that is too full beside one that is new", "a", []observation{of(2, "x", 1), of(1, "z", 1)}, "too-many-flows"},
		{"two more hours", "b", []observation{of(3, "x", 1), of(4, "x", 1)}, ""},
		{"one hour more than may be", "c", []observation{of(5, "x", 1)}, "too-many-hours"},
		{"it beside one that is there", "a", []observation{of(3, "x", 1), of(5, "x", 1)}, "too-many-hours"},
	} {
		if tt.problem == "too-many-hours" {
			c.eventually(5*time.Second, c.allHold(3)) // whoever owns it
		}
		status, err := c.post(tt.at, "", tt.sent...)
		if tt.problem == "" && status == http.StatusOK {
			continue
		}
		if status != http.StatusConflict || !strings.Contains(fmt.Sprint(err), tt.problem) {
			t.Errorf("%s: POST = %d %v, want 409 %s", tt.name, status, err, tt.problem)
		}
	}
	for hour, want := range map[int64]string{1: "map[x:2 y:2]", 2: "map[]", 3: "map[x:1]", 4: "map[x:1]", 5: "map[]"} {
		if r, err := c.get("b", hour, ""); err != nil || fmt.Sprint(r.totals) != want {
			t.Errorf("hour %d is %v, %v, want %s: all that was stored and nothing that was refused", hour, r.totals, err, want)
		}
	}
	refusals := 0.0
	for _, name := range c.names() {
		refusals += c.metric(name, "flowring_store_flows_refusals_total") + c.metric(name, "flowring_store_hours_refusals_total")
	}
	if refusals != 5 {
		t.Errorf("the owners have counted %v refusals, want 5", refusals)
	}
}

// allHold returns what checks that every node holds so many hours.
func (c *cluster) allHold(hours float64) func() error {
	return func() error {
		for _, name := range c.names() {
			if n := c.metric(name, "flowring_store_hours"); n != hours {
				return fmt.Errorf("%s holds %v hours, want %v", name, n, hours)
			}
		}
		return nil
	}
}
