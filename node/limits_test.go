package node_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"flowring/internal/contract"
	"flowring/node"
)

// The owner of an hour enforces the limits for requests through any node, and no part of a refused request is stored
// (P3, P12).
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
			c.eventually(c.allHold(3)) // at any owner
		}
		status, err := c.answer(tt.at, "", tt.sent...)
		if tt.problem == "" && status == http.StatusOK {
			continue
		}
		if status != http.StatusConflict || !strings.Contains(fmt.Sprint(err), tt.problem) {
			t.Errorf("%s: POST = %d %v, want 409 %s", tt.name, status, err, tt.problem)
		}
	}
	for hour, want := range map[int64]string{1: "map[x:2 y:2]", 2: "map[]", 3: "map[x:1]", 4: "map[x:1]", 5: "map[]"} {
		if r, err := c.complete("b", hour); err != nil || fmt.Sprint(r.totals) != want {
			t.Errorf("hour %d is %v, %v, want %s: all that was stored and nothing that was refused", hour, r.totals, err, want)
		}
	}
	refusals := 0.0
	for _, name := range c.names() {
		refusals += c.metric(name, "flowring_store_flows_refusals_total") + c.metric(name, "flowring_store_hours_refusals_total")
	}
	if refusals < 5 { // a second store refuses a slow POST too
		t.Errorf("the owners have counted %v refusals, want 5 or more", refusals)
	}
}

// A sender with hours in another unit is refused by the unit. A sender of random hours that pass the check cannot use
// up the hours of all others, at one node or three (P12).
func TestAWrongUnitDoesNotUseUpTheHours(t *testing.T) {
	t.Parallel()
	const most = 20
	for _, nodes := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d nodes", nodes), func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, nodes, func(cfg *node.Config) { cfg.ReplicationFactor, cfg.MaxHours = nodes, most })
			names := []string{"a", "b", "c"}[:nodes]
			c.formed(names...)
			at := func(i int) string { return names[i%nodes] }
			now := time.Now().Unix() / 3600
			refused := func(what, problem string, status int, sent ...observation) {
				for i := range names {
					if got, err := c.answer(at(i), "", sent...); got != status || !strings.Contains(fmt.Sprint(err), problem) {
						t.Errorf("%s at %s: POST = %d %v, want %d %s", what, at(i), got, err, status, problem)
					}
				}
			}
			refused("seconds", "looks like seconds since 1970; its hour is ", 400, of(now*3600, "x", 1))
			refused("milliseconds behind a good hour", "looks like milliseconds", 400, of(now, "x", 1), of(now*3600_000, "x", 1))
			for i := range most * 9 / 10 {
				c.mustPost(at(i), "", of(int64(1000+7919*i), "x", 1))
			}
			c.eventually(c.allHold(most * 9 / 10))
			refused("one more random hour", "hour 77: "+contract.HoursReserved.Error(), 409, of(77, "x", 1))
			refused("it beside an hour that is known", "hour 77: "+contract.HoursReserved.Error(), 409, of(1000, "x", 1), of(77, "x", 1))
			refused("it beside this hour", "hour 77: "+contract.HoursReserved.Error(), 409, of(now, "x", 1), of(77, "x", 1))
			c.mustPost(at(0), "", of(1000, "x", 1))
			for i := range most / 10 {
				c.mustPost(at(i), "", of(now+int64(i), "x", 1))
			}
			c.eventually(c.allHold(most))
			refused("a near hour when there are as many as may be", "hour "+fmt.Sprint(now+9)+": "+contract.TooManyHours.Error(), 409, of(now+9, "x", 1))
			kept := 0.0
			for _, name := range names {
				kept += c.metric(name, "flowring_store_kept_hours_refusals_total")
			}
			if want := float64(3 * nodes); kept < want { // a second store refuses a slow POST too
				t.Errorf("the owners have counted %v hours refused for the last tenth, want %v or more", kept, want)
			}
			for hour, want := range map[int64]string{1000: "map[x:2]", 77: "map[]", now: "map[x:1]"} {
				if r, err := c.complete(at(0), hour); err != nil || fmt.Sprint(r.totals) != want {
					t.Errorf("hour %d is %v, %v, want %s: nothing that was refused is stored", hour, r.totals, err, want)
				}
			}
		})
	}
}

// allHold returns a check that every node holds so many hours.
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
