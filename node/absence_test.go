package node_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestThreeCopiesAnswerWhileANodeIsLost(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, copies(3, 2))
	c.formed("a", "b", "c")
	c.fill("a", 10)
	c.kill("c")
	// From the first request on, every hour is answered and the answer is complete, because two of three copies are
	// there. Writes go on as well.
	for _, name := range c.names() {
		for hour := int64(1); hour <= 10; hour++ {
			if err := c.reads(name, hour, "app", hour); err != nil {
				t.Errorf("while c is lost: %v", err)
			}
			c.mustPost(name, "", of(hour, "later-"+name, 7))
		}
	}
	c.start("c")
	c.eventually(func() error { return c.filled(10) })
	for hour := int64(1); hour <= 10; hour++ {
		for _, src := range []string{"later-a", "later-b"} {
			c.eventually(func() error { return c.reads("c", hour, src, 7) })
		}
	}
}

func TestAMissingCopyIsReported(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, copies(1, 1))
	c.formed("a", "b", "c")
	lost, kept := hourOf(t, "c", c.names()), hourOf(t, "a", c.names())
	c.mustPost("b", "", of(lost, "app", 1), of(kept, "app", 2))
	c.kill("c")
	for _, tt := range []struct {
		name     string
		hour     int64
		query    string
		status   int
		complete string
	}{
		{"an hour of the lost node is refused", lost, "", http.StatusServiceUnavailable, ""},
		{"unless whatever there is will do", lost, "&partial=true", http.StatusOK, "false"},
		{"an hour of another node is answered, without proof", kept, "", http.StatusOK, "unproven"},
		{"unless proof is asked for", kept, "&require=complete", http.StatusServiceUnavailable, ""},
	} {
		var r reading
		err := poll(func() (err error) { // a busy machine may refuse more than necessary, and never claims more than it has
			r, err = c.get("b", tt.hour, tt.query)
			if err == nil && r.complete != "true" && (r.status != tt.status || r.complete != tt.complete) {
				err = fmt.Errorf("status %d, complete %q", r.status, r.complete)
			}
			return err
		})
		if err != nil || r.status != tt.status || r.complete != tt.complete {
			t.Errorf("%s: get(%q) = %d, complete %q, %v, want %d, complete %q",
				tt.name, tt.query, r.status, r.complete, err, tt.status, tt.complete)
		}
		if r.status == http.StatusServiceUnavailable && !strings.Contains(r.text, `"c"`) {
			t.Errorf("%s: problem %s does not name the store that is silent", tt.name, r.text)
		}
	}
}

// A node that returns at another address with its disk is used again (P8). internal/clustertest measures in virtual time
// that it is used within 10 s, and that no hour moves.
func TestANodeReturnsAtAnotherAddress(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, copies(1, 1))
	c.formed("a", "b", "c")
	c.fill("b", 60)
	own := hourOf(t, "c", c.names())
	c.mustPost("c", "", of(own, "app", 1))
	version, old := c.nodes["a"].Members().Ring.Version, c.member("c").Addresses
	c.kill("c")
	c.start("c")
	c.eventually(func() error {
		if err := c.agreed(); err != nil {
			return err
		}
		if err := c.reads("a", own, "app", 1); err != nil {
			return err
		}
		return c.filled(60)
	})
	c.mustPost("a", "", of(own, "more", 2))
	if err := c.reads("c", own, "more", 2); err != nil {
		t.Error(err)
	}
	if now := c.member("c").Addresses; now == old || now != c.nodes["c"].Addresses() {
		t.Errorf("c is at %+v for a, want %+v, and no longer %+v", now, c.nodes["c"].Addresses(), old)
	}
	if got := c.nodes["a"].Members().Ring.Version; got != version {
		t.Errorf("ring version %s, want %s as before", got, version)
	}
}

// A node that stopped gracefully and returns still has its hours on its own disk.
func TestGracefulRestartLosesNothing(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, copies(1, 1))
	c.formed("a", "b", "c")
	c.fill("b", 20)
	if err := c.stop("c", patience); err != nil {
		t.Fatal(err)
	}
	c.start("c")
	c.eventually(func() error {
		if err := c.agreed(); err != nil {
			return err
		}
		return c.filled(20)
	})
}

// internal/clustertest measures in virtual time that each hour moves once.
func TestLateNodeTakesItsShare(t *testing.T) {
	for _, tt := range []struct{ copies, quorum int }{{1, 1}, {2, 2}} {
		t.Run(fmt.Sprintf("%d copies", tt.copies), func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, 3, copies(tt.copies, tt.quorum))
			c.formed("a", "b", "c")
			c.fill("a", 60)
			c.start("d")
			c.eventually(func() error {
				if err := c.agreed(); err != nil {
					return err
				}
				return c.placed(60, tt.copies)
			})
			if err := c.filled(60); err != nil {
				t.Error(err)
			}
			held := c.hours()["d"]
			c.eventually(func() error { // d's status comes with its heartbeats
				if m := c.member("d"); m.Hours != held || m.Partitions == 0 {
					return fmt.Errorf("a says of d: %d hours, %d partitions, want %d and more than 0", m.Hours, m.Partitions, held)
				}
				return nil
			})
		})
	}
}

// placed returns nil if every node holds, of the hours 1 to n, exactly the hours of which it is a replica.
func (c *cluster) placed(n int64, copies int) error {
	want := map[string]int{}
	on := ringOf(c.names())
	for hour := int64(1); hour <= n; hour++ {
		for _, name := range on.Candidates(sliceOf(hour))[:copies] {
			want[name]++
		}
	}
	if held := c.hours(); fmt.Sprint(held) != fmt.Sprint(want) {
		return fmt.Errorf("hours held = %v, want %v", held, want)
	}
	return nil
}
