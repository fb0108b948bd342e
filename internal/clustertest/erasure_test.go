package clustertest

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"flowring/flow"
	"flowring/internal/racetest"
	"flowring/internal/safeguard"
	"flowring/ring/roster"
)

// erasedAt is the time of the marks in tests.
const erasedAt = 1_000_000_000

// marked returns the mark of one hour: closed, or erased at a time.
func marked(hour int, at int64) roster.Marks {
	return roster.Marks{{From: flow.Hour(hour), To: flow.Hour(hour) + 1, Erased: at}}
}

// mark marks hours at a node.
func (c *Cluster) mark(t *testing.T, name string, m roster.Marks) {
	t.Helper()
	if err := c.Node(name).MarkHours(m); err != nil {
		t.Fatal(err)
	}
}

// head returns the status of a GET, the time of the erasure and the body.
func (k caller) head(t *testing.T, name, path string) (status int, erased, body string) {
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
	return res.StatusCode, res.Header.Get("Flowring-Erased"), string(text)
}

// P1, P3, P5: a marked hour takes no new request, at every node. Once it is erased, a GET says so with an empty array, a
// query leaves it out and says so, and no store holds it. Hours beside it are whole. A known request of two hours counts
// as stored in the erased one. Store c is away meanwhile, and comes back with the hour: it does not bring it back. In the
// negative control stores ignore marks, and c does.
func TestAnErasedHourIsEmptyAndStaysClosed(t *testing.T) {
	const hour, beside = 100, 101
	for _, tt := range []struct {
		name     string
		disabled safeguard.Set
		held     int // hours at c at the end
	}{
		{"with the safeguard", 0, 1},
		{"negative control: stores ignore marks", safeguard.StoreFloor, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				c := formed(t, 3, Options{Seed: 21, Copies: 3, Disabled: tt.disabled})
				k := newCaller(t, c)
				post := func(node, key string, want int, says string, hours ...int) {
					t.Helper()
					if got, text := k.postBody(t, node, key, lateBody(hours...)); got != want || !strings.Contains(text, says) {
						t.Errorf("POST of %s at %s = %d %s, want %d with %q", key, node, got, text, want, says)
					}
				}
				c.raise(t, "a", roster.Floors{Closed: 1}) // the version is on
				post("a", "one", 200, "", hour)
				post("b", "two", 200, "", hour, beside)
				time.Sleep(5 * time.Second)
				c.mark(t, "a", marked(hour, 0))
				time.Sleep(3 * time.Second)
				for _, name := range c.Running() {
					post(name, "new-"+name, 409, "/problems/closed", hour)
					post(name, "wide-"+name, 409, "/problems/closed", beside, hour)
					post(name, "one", 503, "is being erased", hour)
					if status, erased, body := k.head(t, name, fmt.Sprint("/flows?hour=", hour)); status != 200 || erased != "" || body == "[]\n" {
						t.Errorf("GET of the closed hour at %s = %d, erased %q: %s, want its flows", name, status, erased, body)
					}
				}
				c.Kill("c")
				c.mark(t, "a", marked(hour, erasedAt))
				time.Sleep(10 * time.Second)
				c.Start("c")
				if err := c.WaitReady(time.Minute, "c"); err != nil {
					t.Fatal(err)
				}
				time.Sleep(20 * time.Second)
				if got := hoursAt(c, "c"); got != tt.held {
					t.Errorf("c holds %d hours, want %d", got, tt.held)
				}
				if tt.disabled != 0 {
					return
				}
				const at = "2001-09-09T01:46:40Z"
				for _, name := range c.Running() {
					if got := hoursAt(c, name); got != 1 {
						t.Errorf("%s holds %d hours, want 1", name, got)
					}
					post(name, "one", 409, "/problems/closed", hour)
					post(name, "two", 200, "", hour, beside)
					post(name, "late-"+name, 409, "/problems/closed", hour)
					for _, ask := range []struct{ path, erased, has, lacks string }{
						{fmt.Sprint("/flows?hour=", hour), at, "[]\n", "{"},
						{fmt.Sprint("/flows?hour=", hour, "&require=complete"), at, "[]\n", "{"},
						{fmt.Sprint("/flows?hour=", beside), "", `"bytes_tx":101`, "-"},
						{"/flows?from=99&to=110&group_by=hour&require=complete", at, `"hour":101`, `"hour":100`},
						{"/flows?from=101&to=110&group_by=hour", "", `"hour":101`, `"hour":100`},
						{"/hours?from=99&to=110", at, `"hour":101`, `"hour":100`},
						{"/names?from=99&to=110&field=app", at, `"s"`, "-"},
					} {
						status, erased, body := k.head(t, name, ask.path)
						if status != 200 || erased != ask.erased || !strings.Contains(body, ask.has) || strings.Contains(body, ask.lacks) {
							t.Errorf("GET %s at %s = %d, erased %q: %s, want 200, %q, with %s and without %s",
								ask.path, name, status, erased, body, ask.erased, ask.has, ask.lacks)
						}
					}
				}
			})
		})
	}
}
