package clustertest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"flowring/flow"
	"flowring/internal/racetest"
	"flowring/internal/safeguard"
	"flowring/ring/roster"
)

// raise raises the floors at a node, once the version with floors is on.
func (c *Cluster) raise(t *testing.T, name string, want roster.Floors) {
	t.Helper()
	for range 600 {
		got, err := c.Node(name).RaiseFloors(want)
		if err != nil {
			t.Fatal(err)
		}
		if got == want {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s does not take the floors %+v", name, want)
}

// below returns floors of which an hour is the last one below both.
func below(hour int) roster.Floors {
	return roster.Floors{Closed: flow.Hour(hour) + 1, Expired: flow.Hour(hour) + 1}
}

// P4, P5: a deleted hour is a 410 at every node, with any need, also if one store of those that answer knows that it has
// expired. Store c never held the hour, and b, which holds it, is cut off while a deletes it. A later contact of b brings
// nothing back. In the negative control stores say that they hold nothing, and c gives a complete answer without the
// batch.
func TestAnExpiredHourIsNeverEmpty(t *testing.T) {
	for _, tt := range []struct {
		name     string
		disabled safeguard.Set
		want     string
	}{
		{"with the safeguard", 0, "410 Gone"},
		{"negative control: a store holds nothing of an expired hour", safeguard.SayExpired, "true"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				hours := hoursPlaced(2, "a", "b", "c")
				old, kept := hours[0], hours[1]
				c := formed(t, 3, Options{Seed: 11, Copies: 2, Disabled: tt.disabled})
				k := newCaller(t, c)
				c.raise(t, "a", roster.Floors{Closed: 1}) // the version is on
				for _, hour := range hours {
					if got := k.post("a", hour, "s"); got != 200 {
						t.Fatalf("post = %d, want 200", got)
					}
				}
				heal := c.Partition([]string{"b"})
				time.Sleep(3 * time.Second)
				c.raise(t, "a", below(old))
				if got, has := k.get("c", old, "s"); got != tt.want || has {
					t.Errorf("GET of an hour that another node has deleted = %s, has the flow: %t, want %s", got, has, tt.want)
				}
				if tt.disabled != 0 {
					return
				}
				time.Sleep(3 * time.Second)
				if got := hoursAt(c, "a"); got != 1 {
					t.Errorf("a holds %d hours after the deletion, want 1", got)
				}
				heal()
				time.Sleep(20 * time.Second)
				for _, name := range c.Running() {
					for _, query := range []string{"", "&require=complete", "&partial=true"} {
						if got := k.status(name, old, query); got != 410 {
							t.Errorf("GET of the expired hour with %q at %s = %d, want 410", query, name, got)
						}
					}
					if got, has := k.get(name, kept, "s"); got != "true" || !has {
						t.Errorf("GET of the hour at the floor at %s = %s, has the flow: %t, want true", name, got, has)
					}
				}
				if got := hoursAt(c, "b"); got != 1 {
					t.Errorf("b holds %d hours once it has heard of the floor, want 1", got)
				}
			})
		})
	}
}

// status returns the status of a GET of an hour with further parameters.
func (k caller) status(name string, hour int, query string) int {
	res, err := k.Get(fmt.Sprintf("http://%s/flows?hour=%d%s", at(k.c.Addr(name), HTTPPort), hour, query))
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// bodyOf is a body with one flow in each hour.
func bodyOf[T int | int64](hours ...T) (body string) {
	for _, hour := range hours {
		body += fmt.Sprintf(`{"src_app":"s","dest_app":"d","vpc_id":"v","bytes_tx":%d,"bytes_rx":0,"hour":%d}`, hour, hour)
	}
	return body
}

// P2, P3: a request that is known in one of its hours is stored and answered 200, whichever of its hours are closed or
// expired. A new one with a closed hour is refused whole, with a key only while all stores answer. In the negative control
// the floor is looked at before the key, and an acknowledged request gets a 4xx.
func TestRetriesAcrossTheFloors(t *testing.T) {
	for _, tt := range []struct {
		name     string
		disabled safeguard.Set
		retried  int
	}{
		{"with the safeguard", 0, 200},
		{"negative control: the floor before the key", safeguard.KeyFirst, 409},
	} {
		t.Run(tt.name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				const edge, open = 100, 130
				c := formed(t, 3, Options{Seed: 12, Copies: 2, Disabled: tt.disabled})
				k := newCaller(t, c)
				post := func(node, key string, want int, hours ...int) {
					t.Helper()
					if key == "" {
						if got := k.post(node, hours[0], "s"); got != want {
							t.Errorf("POST without a key at %s = %d, want %d", node, got, want)
						}
						return
					}
					if got, text := k.postBody(t, node, key, bodyOf(hours...)); got != want {
						t.Errorf("POST of %s at %s = %d %s, want %d", key, node, got, text, want)
					}
				}
				c.raise(t, "a", roster.Floors{Closed: 1})
				post("a", "one", 200, edge)
				post("b", "two", 200, edge, open)
				c.raise(t, "a", roster.Floors{Closed: edge + 1})
				time.Sleep(3 * time.Second)
				for _, node := range c.Running() {
					post(node, "one", tt.retried, edge)
					post(node, "two", tt.retried, edge, open)
				}
				if tt.disabled != 0 {
					return
				}
				for _, node := range c.Running() {
					post(node, "", 409, edge)
					post(node, "new-"+node, 409, edge)
					post(node, "new-"+node, 409, edge, open)
					post(node, "open-"+node, 200, edge+1)
				}
				c.Kill("c")
				time.Sleep(15 * time.Second)
				post("a", "one", 200, edge)
				post("b", "away", 503, edge)
				post("b", "", 409, edge)
				c.Start("c")
				if err := c.WaitReady(time.Minute, "c"); err != nil {
					t.Fatal(err)
				}
				time.Sleep(5 * time.Second)
				post("b", "away", 409, edge)
				c.raise(t, "b", below(edge))
				time.Sleep(5 * time.Second)
				for _, node := range c.Running() {
					post(node, "two", 200, edge, open)
					post(node, "one", 409, edge)
					post(node, "newer", 409, edge, open)
					if got := k.status(node, edge, ""); got != 410 {
						t.Errorf("GET of the expired hour at %s = %d, want 410", node, got)
					}
					if got, has := k.get(node, open, "s"); got != "true" || !has {
						t.Errorf("GET of the open hour at %s = %s, has the flow: %t, want true", node, got, has)
					}
				}
			})
		})
	}
}

// fetch returns the status, the headers and the body of a path at a node.
func (k caller) fetch(t *testing.T, name, path string) (status int, header http.Header, body string) {
	t.Helper()
	res, err := k.Get("http://" + at(k.c.Addr(name), HTTPPort) + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(text)
}

// P4, P5: a query whose range begins with expired hours is answered from the first hour that is kept on, and says so, at a
// node that has not heard of the floor before, too. A reader that needs the whole range gets a 410. In the negative
// control stores say that they hold nothing of the expired hour, and a complete answer lacks it.
func TestQueriesBeginAtTheFloor(t *testing.T) {
	for _, tt := range []struct {
		name     string
		disabled safeguard.Set
		whole    int
	}{
		{"with the safeguard", 0, 410},
		{"negative control: a store holds nothing of an expired hour", safeguard.SayExpired, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				const edge = 100
				c := formed(t, 3, Options{Seed: 13, Copies: 2, Disabled: tt.disabled})
				k := newCaller(t, c)
				c.raise(t, "a", roster.Floors{Closed: 1})
				if got, text := k.postBody(t, "a", "k", bodyOf(edge, edge+1, edge+5)); got != 200 {
					t.Fatalf("POST = %d %s, want 200", got, text)
				}
				c.raise(t, "a", below(edge))
				if got, _, body := k.fetch(t, "c", "/flows?from=99&to=110&group_by=hour&require=complete"); got != tt.whole {
					t.Errorf("GET of a range that begins below the floor, with require=complete = %d %s, want %d", got, body, tt.whole)
				}
				if tt.disabled != 0 {
					return
				}
				for _, ask := range []struct {
					path, from string
					status     int
					has, lacks string
				}{
					{"/flows?from=99&to=110&group_by=hour", "101", 200, `"hour":105`, `"hour":100,`},
					{"/flows?from=99&to=110&group_by=", "101", 200, `"bytes_tx":206`, `"bytes_tx":306`},
					{"/hours?from=99&to=110", "101", 200, `"hour":101`, `"hour":100,`},
					{"/names?from=99&to=110&field=app", "101", 200, `"s"`, "-"},
					{"/flows?from=101&to=110&group_by=hour&require=complete", "", 200, `"hour":101`, `"hour":100,`},
					{"/flows?from=99&to=101&group_by=hour", "", 410, "the first hour that is kept is 101", "-"},
					{"/hours?from=99&to=110&require=complete", "", 410, "expired", "-"},
					{"/flows/stream?from=99&to=101&group_by=hour", "", 410, "expired", "-"},
				} {
					for _, name := range c.Running() {
						status, header, body := k.fetch(t, name, ask.path)
						from := header.Get("Flowring-From")
						if status != ask.status || from != ask.from || !strings.Contains(body, ask.has) || strings.Contains(body, ask.lacks) {
							t.Errorf("GET %s at %s = %d from %q %s, want %d from %q with %s and without %s",
								ask.path, name, status, from, body, ask.status, ask.from, ask.has, ask.lacks)
						}
					}
				}
				_, header, first := k.fetch(t, "b", "/flows?from=99&to=110&group_by=hour&limit=1")
				next, _, _ := strings.Cut(strings.TrimPrefix(header.Get("Link"), "<"), ">")
				status, header, second := k.fetch(t, "c", next)
				from := header.Get("Flowring-From")
				if status != 200 || from != "101" || !strings.Contains(first, `"hour":101`) || !strings.Contains(second, `"hour":105`) {
					t.Errorf("the pages are %s and %d from %q %s, want the hours 101 and 105", first, status, from, second)
				}
			})
		})
	}
}

// hoursAt returns the number of hours that a node holds.
func hoursAt(c *Cluster, name string) int {
	for _, m := range c.Node(name).Members().Members {
		if m.Name == name {
			return m.Hours
		}
	}
	return -1
}

// P4, P13: a loss of power everywhere between a raise of the floor and the deletion, or during it. The node that had raised
// the floor knows it again, the hour is a 410 at every node, and it is deleted. The hours above are whole.
func TestAPowerLossBesideARaiseOfTheFloor(t *testing.T) {
	for _, after := range []time.Duration{0, time.Millisecond, 100 * time.Millisecond, 2 * time.Second} {
		t.Run(fmt.Sprint(after, " after the raise"), func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				const edge = 100
				c := formed(t, 3, Options{Seed: 14, Copies: 3})
				k := newCaller(t, c)
				c.raise(t, "a", roster.Floors{Closed: 1})
				if got, text := k.postBody(t, "a", "k", bodyOf(edge-1, edge, edge+1)); got != 200 {
					t.Fatalf("POST = %d %s, want 200", got, text)
				}
				c.raise(t, "a", below(edge))
				time.Sleep(after)
				names := c.Running()
				for _, name := range names {
					c.PowerLoss(name, 50)
				}
				c.Start(names...)
				if err := c.WaitReady(time.Minute, names...); err != nil {
					t.Fatal(err)
				}
				time.Sleep(5 * time.Second)
				for _, name := range names {
					for _, hour := range []int{edge - 1, edge} {
						if got := k.status(name, hour, "&partial=true"); got != 410 {
							t.Errorf("GET of the expired hour %d at %s = %d, want 410", hour, name, got)
						}
					}
					if got, has := k.get(name, edge+1, "s"); got != "true" || !has {
						t.Errorf("GET of the hour at the floor at %s = %s, has the flow: %t, want true", name, got, has)
					}
					if got := hoursAt(c, name); got != 1 {
						t.Errorf("%s holds %d hours, want 1", name, got)
					}
					if err := c.Node(name).Verify(); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}
