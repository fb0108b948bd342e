package clustertest

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/internal/racetest"
	"flowring/internal/safeguard"
	"flowring/ring/roster"
	"flowring/router/admin"
	"flowring/store/journal"
	"flowring/store/journal/journaltest"
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
	if err := c.Node(name).Erasures().State.MarkHours(m); err != nil {
		t.Fatal(err)
	}
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
					if got, text := k.postBody(t, node, key, bodyOf(hours...)); got != want || !strings.Contains(text, says) {
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
					status, header, body := k.fetch(t, name, fmt.Sprint("/flows?hour=", hour))
					if erased := header.Get("Flowring-Erased"); status != 200 || erased != "" || body == "[]\n" {
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
						status, header, body := k.fetch(t, name, ask.path)
						erased := header.Get("Flowring-Erased")
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

// erase takes an erasure at a node as far as it goes within a time, and returns its state.
func (c *Cluster) erase(t *testing.T, name string, from, to int, within time.Duration) (state admin.Erasure) {
	t.Helper()
	plan, err := c.Node(name).Erasures().Erase(t.Context(), flow.Hour(from), flow.Hour(to), "")
	if err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); time.Since(begun) < within && !state.Done; time.Sleep(time.Second) {
		if state, err = c.Node(name).Erasures().Erase(t.Context(), flow.Hour(from), flow.Hour(to), plan.Hash); err != nil {
			t.Fatal(err)
		}
	}
	return state
}

// P1: hours are erased once all stores but W-1, and at least W, have them as closed. Until then no store deletes, and another
// node goes on once more stores answer. In the negative control one store is enough, and an acknowledged batch of the other
// side of a partition is deleted.
func TestHoursAreErasedOnceEnoughStoresHaveClosedThem(t *testing.T) {
	for _, tt := range []struct {
		name     string
		disabled safeguard.Set
		closed   int // stores that have the hour as closed while the node is alone
		lost     bool
	}{
		{"with the safeguard", 0, 1, false},
		{"negative control: one store is enough", safeguard.EnoughMarks, 1, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				const hour = 100
				c := formed(t, 3, Options{Seed: 23, Copies: 3, Disabled: tt.disabled})
				k := newCaller(t, c)
				c.raise(t, "a", roster.Floors{Closed: 1})
				if got := k.post("a", hour, "s"); got != 200 {
					t.Fatalf("post = %d, want 200", got)
				}
				time.Sleep(5 * time.Second)
				plan, err := c.Node("a").Erasures().Erase(t.Context(), hour, hour+2, "")
				if err != nil || plan.Hours != 1 || plan.Flows != 1 || plan.Batches != 1 || plan.Bytes.Low != hour || (plan.Needed == 2) != (tt.disabled == 0) || plan.Done {
					t.Errorf("the plan is %+v, %v, want one hour, flow and batch of 100 bytes, and 2 stores", plan, err)
				}
				if _, err := c.Node("a").Erasures().Erase(t.Context(), hour, hour+2, "another"); !errors.Is(err, contract.Guarded) {
					t.Errorf("Erase with another plan = %v, want a refusal", err)
				}
				heal := c.Partition([]string{"a"})
				c.mark(t, "a", roster.Marks{{From: hour, To: hour + 2}})
				state, err := c.Node("a").Erasures().Erase(t.Context(), hour, hour+2, plan.Hash)
				if err != nil || state.Closed != tt.closed || (state.Erased > 0) != tt.lost {
					t.Errorf("alone: %+v, %v, want closed at %d, and erased: %t", state, err, tt.closed, tt.lost)
				}
				if got := k.post("b", hour+1, "s"); got != 200 {
					t.Errorf("POST on the other side of the partition = %d, want 200", got)
				}
				heal()
				time.Sleep(5 * time.Second)
				if _, has := k.get("b", hour+1, "s"); has == tt.lost {
					t.Errorf("the batch that was acknowledged after the first step is there: %t, want %t", has, !tt.lost)
				}
				if tt.lost {
					return
				}
				if state := c.erase(t, "b", hour, hour+2, time.Minute); !state.Done || state.Erased != 3 {
					t.Errorf("at another node: %+v, want it done at 3 stores", state)
				}
				if state := c.erase(t, "c", hour, hour+2, time.Minute); !state.Done {
					t.Errorf("again: %+v, want it done", state)
				}
				time.Sleep(5 * time.Second)
				for _, name := range c.Running() {
					if got := hoursAt(c, name); got != 0 {
						t.Errorf("%s holds %d hours, want none", name, got)
					}
				}
			})
		})
	}
}

// slicesOnDisk returns the slices of which the disk of a node without a process has batches.
func slicesOnDisk(t *testing.T, c *Cluster, name string) []flow.Slice {
	t.Helper()
	j, err := journal.OpenReadOnly(dataDir, journal.Options{FS: c.Machine(name).Disk.FS(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	held, err := j.Slices()
	if err != nil {
		t.Fatal(err)
	}
	return held
}

// P1, P4: a coordinator that dies between the two steps leaves its hours closed. The same call at another node goes on, while
// W-1 stores are away. These obey once they are back, and so does a store whose disk goes back to an image of the time
// before, which has the content of a restored backup. The keys of the requests are gone with the hour: no store knows them.
func TestAnErasureOutlivesItsCoordinatorAndOldDisks(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		const hour, beside = 100, 101
		c := formed(t, 3, Options{Seed: 29, Copies: 3})
		k := newCaller(t, c)
		c.raise(t, "a", roster.Floors{Closed: 1})
		for key, hours := range map[string][]int{"one": {hour}, "two": {hour, beside}} {
			if got, text := k.postBody(t, "a", key, bodyOf(hours...)); got != 200 {
				t.Fatalf("post = %d %s", got, text)
			}
		}
		time.Sleep(5 * time.Second)
		before := c.Machine("c").Disk.Image()
		plan, err := c.Node("a").Erasures().Erase(t.Context(), hour, hour+1, "")
		if err != nil {
			t.Fatal(err)
		}
		c.mark(t, "a", marked(hour, 0)) // the first step, which reaches c alone
		heal := c.Partition([]string{"b"})
		time.Sleep(3 * time.Second)
		c.Kill("a")
		heal()
		time.Sleep(5 * time.Second)
		state, err := c.Node("b").Erasures().Erase(t.Context(), hour, hour+1, plan.Hash)
		if err != nil || !state.Done || state.Erased != 2 || state.Stores != 3 {
			t.Errorf("Erase at another node = %+v, %v, want it done at 2 of 3 stores", state, err)
		}
		c.crash("c", func(d *journaltest.Disk) { d.Restore(before) })
		c.Start("c")
		c.Start("a")
		if err := c.WaitReady(time.Minute); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		for _, name := range c.Running() {
			if got := hoursAt(c, name); got != 1 {
				t.Errorf("%s holds %d hours, want the one beside", name, got)
			}
			if got, text := k.postBody(t, name, "one", bodyOf(hour)); got != 409 || !strings.Contains(text, "/problems/closed") {
				t.Errorf("the request of the erased hour again at %s = %d %s, want 409, because no store knows its key", name, got, text)
			}
			status, header, body := k.fetch(t, name, fmt.Sprint("/flows?hour=", hour))
			if erased := header.Get("Flowring-Erased"); status != 200 || erased == "" || body != "[]\n" {
				t.Errorf("GET of the erased hour at %s = %d, erased %q: %s, want an empty answer", name, status, erased, body)
			}
		}
		for _, name := range []string{"a", "b", "c"} {
			c.Kill(name)
			if keys := slicesOnDisk(t, c, name); !slices.Equal(keys, []flow.Slice{{Hour: beside}}) {
				t.Errorf("the disk of %s has the slices %v, want the one of the hour beside", name, keys)
			}
		}
	})
}
