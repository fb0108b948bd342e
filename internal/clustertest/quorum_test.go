package clustertest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"flowring/internal/racetest"
	"flowring/internal/safeguard"
	"flowring/node"
)

// restartAll stops all nodes at once, and starts the named ones with other values of R and W.
func restartAll(t *testing.T, c *Cluster, set func(copies, quorum int), copies, quorum int, names ...string) {
	t.Helper()
	for _, name := range c.Running() {
		c.Kill(name)
	}
	set(copies, quorum)
	c.Start(names...)
}

// R and W change while all nodes are stopped. Afterwards all totals are exact and reads are complete, also of a batch
// that one store alone acknowledged. While that store is away, no read claims to be complete, if W is raised by one
// (P1, P4). Negative control: raised by two, a read claims it wrongly, which is the reason for the rule of decision 0021.
func TestRAndWChangeWhileAllNodesAreStopped(t *testing.T) {
	for _, tt := range []struct {
		name           string
		copies, quorum int
		away           bool   // the store with the only copy stays away
		want           string // completeness; "": see wrong
		missing        bool   // the batch is missing in reads
		wrong          bool   // reads claim to be complete without the batch
		disabled       safeguard.Set
	}{
		{name: "R raised", copies: 4, quorum: 1, want: "true"},
		{name: "R lowered", copies: 2, quorum: 1, want: "true"},
		{name: "R and W raised", copies: 4, quorum: 2, want: "true"},
		{name: "W raised by one", copies: 3, quorum: 2, want: "true"},
		{name: "W raised by one, while the store of the only copy is away", copies: 3, quorum: 2, away: true, missing: true},
		{name: "W raised by two, while the store of the only copy is away", copies: 3, quorum: 3, away: true, missing: true, wrong: true,
			disabled: safeguard.QuorumStep},
	} {
		t.Run(tt.name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				copies, quorum := 3, 1
				c := formed(t, 4, Options{Seed: 33, Copies: 3, Quorum: 1, Disabled: tt.disabled, Configure: func(cfg *node.Config) {
					cfg.ReplicationFactor, cfg.WriteQuorum = copies, quorum
				}})
				k := newCaller(t, c)
				heal := c.Partition([]string{"d"})
				time.Sleep(5 * time.Second)
				if status := k.post("d", 7, "alone"); status != 200 {
					t.Fatalf("a POST at the node that is alone = %d, want 200", status)
				}
				restart := []string{"a", "b", "c"}
				if !tt.away {
					restart = append(restart, "d")
				}
				for _, name := range c.Running() {
					c.Kill(name)
				}
				heal()
				restartAll(t, c, func(r, w int) { copies, quorum = r, w }, tt.copies, tt.quorum, restart...)
				time.Sleep(2 * time.Minute)
				for _, name := range restart {
					complete, has := k.get(name, 7, "alone")
					if has == tt.missing || tt.want != "" && complete != tt.want || tt.want == "" && (complete == "true") != tt.wrong {
						t.Errorf("a read at %s is %q, has the batch: %t", name, complete, has)
					}
				}
				if !tt.away {
					k.mustHave(t, time.Minute, "alone", 7)
				}
			})
		})
	}
}

// holding returns how many of the named nodes have an hour.
func holding(c *Cluster, names ...string) (n int) {
	for _, name := range names {
		if hours, _ := c.hoursOf(name); hours > 0 {
			n++
		}
	}
	return n
}

// After a change of R each batch is on exactly R stores (P1).
func TestEachBatchIsOnRStoresAfterAChangeOfR(t *testing.T) {
	for _, copies := range []int{2, 4, 5} {
		racetest.Bubble(t, func(t *testing.T) {
			now := 3
			c := formed(t, 5, Options{Seed: 34, Copies: 3, Quorum: 2, Configure: func(cfg *node.Config) { cfg.ReplicationFactor = now }})
			k := newCaller(t, c)
			if status := k.post("a", 7, "x"); status != 200 {
				t.Fatalf("post = %d, want 200", status)
			}
			restartAll(t, c, func(r, _ int) { now = r }, copies, 2, letters[:5]...)
			time.Sleep(2 * time.Minute)
			if got := holding(c, letters[:5]...); got != copies {
				t.Errorf("with R=%d, %d stores have the hour, want %d", copies, got, copies)
			}
			k.mustHave(t, time.Minute, "x", 7)
		})
	}
}

// W rises by one at a time, from the lowest W since the last proof: a node refuses a larger step at its start. It falls
// to any value (P4). Negative control: TestRAndWChangeWhileAllNodesAreStopped, raised by two.
func TestWRisesByOneFromTheLowestSinceTheLastProof(t *testing.T) {
	const atOnce, later = time.Duration(0), time.Minute
	type step struct {
		quorum  int
		run     time.Duration // until the next stop
		refused bool
	}
	for _, tt := range []struct {
		name  string
		first int
		steps []step
	}{
		{"by one", 1, []step{{2, later, false}, {3, later, false}, {4, later, false}}},
		{"by two from 1", 1, []step{{3, 0, true}, {2, later, false}, {3, later, false}}},
		{"by two from 2", 2, []step{{4, 0, true}, {3, later, false}, {4, later, false}}},
		{"lowered and raised again", 3, []step{{1, later, false}, {3, 0, true}, {2, later, false}, {3, later, false}}},
		{"lowered by one and raised again", 3, []step{{2, later, false}, {3, later, false}}},
		{"raised before the stores have proved the last rise", 1, []step{{2, atOnce, false}, {3, 0, true}}},
		{"lowered, but stopped before a node was ready", 4, []step{{2, atOnce, false}, {4, later, false}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				quorum := tt.first
				c := formed(t, 4, Options{Seed: 35, Copies: 4, Quorum: tt.first, Configure: func(cfg *node.Config) { cfg.WriteQuorum = quorum }})
				time.Sleep(time.Minute)
				for i, s := range tt.steps {
					for _, name := range c.Running() {
						c.Kill(name)
					}
					quorum = s.quorum
					for _, name := range letters[:4] {
						err := c.start(name)
						if (err != nil) != s.refused {
							t.Fatalf("step %d: start of %s with W=%d: %v", i, name, s.quorum, err)
						}
						if s.refused && !strings.Contains(err.Error(), fmt.Sprintf("the write quorum is %d, and batches", s.quorum)) {
							t.Errorf("step %d: start of %s with W=%d: %v, want both numbers", i, name, s.quorum, err)
						}
					}
					time.Sleep(s.run)
				}
			})
		})
	}
}

// After W has risen from 1 to 2, no store forgets the store of a batch that W=1 acknowledged, and no read claims to be
// complete without the batch, also not at a new store (P4). Negative control: the store is forgotten, and reads claim it.
func TestTheStoreOfABatchOfASmallerWIsNotForgotten(t *testing.T) {
	for _, tt := range []struct {
		name     string
		disabled safeguard.Set
		joins    bool
	}{
		{name: "the stores of before"},
		{name: "a new store joins", joins: true},
		{name: "unguarded", disabled: safeguard.ProvenQuorum},
		{name: "unguarded, a new store joins", disabled: safeguard.ProvenQuorum, joins: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				quorum := 1
				c := formed(t, 4, Options{Seed: 36, Copies: 3, Quorum: 1, Disabled: tt.disabled, Configure: func(cfg *node.Config) { cfg.WriteQuorum = quorum }})
				k := newCaller(t, c)
				heal := c.Partition([]string{"d"})
				time.Sleep(5 * time.Second)
				if status := k.post("d", 7, "alone"); status != 200 {
					t.Fatalf("a POST at the node that is alone = %d, want 200", status)
				}
				for _, name := range c.Running() {
					c.Kill(name)
				}
				heal()
				quorum = 2
				names := []string{"a", "b", "c"}
				c.Start(names...)
				if tt.joins {
					names = append(names, "Z") // before the others by name, so it is the one that forgets
					c.Start("Z")
				}
				time.Sleep(20 * time.Minute)
				for _, name := range names {
					complete, has := k.get(name, 7, "alone")
					if wrong := complete == "true" && !has; wrong != (tt.disabled != 0) {
						t.Errorf("a read at %s is %q, has the batch: %t", name, complete, has)
					}
				}
				if tt.disabled == 0 {
					c.Start("d")
					k.mustHave(t, time.Minute, "alone", 7)
				}
			})
		})
	}
}

// A node with a lower W by mistake, which the others refuse, takes no writes and keeps its proven quorum, so it can start
// with the W of the others again.
func TestANodeThatIsRefusedKeepsItsProvenQuorum(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		quorum := 3
		c := formed(t, 4, Options{Seed: 37, Copies: 4, Quorum: 3, Configure: func(cfg *node.Config) { cfg.WriteQuorum = quorum }})
		k := newCaller(t, c)
		time.Sleep(time.Minute)
		c.Kill("d")
		quorum = 1
		c.Start("d")
		time.Sleep(time.Minute)
		if status := k.post("d", 7, "x"); status != 503 {
			t.Errorf("post at the node that is refused = %d, want 503", status)
		}
		c.Kill("d")
		quorum = 3
		c.Start("d")
		if err := c.WaitReady(time.Minute, "d"); err != nil {
			t.Error(err)
		}
	})
}
