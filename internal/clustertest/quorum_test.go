package clustertest

import (
	"fmt"
	"testing"
	"time"

	"flowring/internal/racetest"
	"flowring/internal/safeguard"
	"flowring/node"
	"flowring/ring/roster"
)

// variable is a cluster whose R and W change between two starts of its nodes.
type variable struct {
	*Cluster
	copies, quorum int
}

// newVariable returns a cluster of the nodes a, b, ..., that runs for long enough to know its proven quorum.
func newVariable(t *testing.T, nodes, copies, quorum int, opts Options) *variable {
	t.Helper()
	v := &variable{copies: copies, quorum: quorum}
	opts.Copies, opts.Quorum = copies, quorum
	opts.Configure = func(cfg *node.Config) { cfg.ReplicationFactor, cfg.WriteQuorum = v.copies, v.quorum }
	v.Cluster = formed(t, nodes, opts)
	time.Sleep(10 * time.Second)
	return v
}

// restart stops all nodes at once, and starts the named ones with other values of R and W.
func (v *variable) restart(copies, quorum int, names ...string) {
	for _, name := range v.Running() {
		v.Kill(name)
	}
	v.copies, v.quorum = copies, quorum
	v.Start(names...)
}

// onOne posts a batch at a node that is cut off, under W=1.
func (v *variable) onOne(t *testing.T, k caller, name string) {
	t.Helper()
	heal := v.Partition([]string{name})
	time.Sleep(5 * time.Second)
	if status := k.post(name, 7, "alone"); status != 200 {
		t.Fatalf("a POST at the node that is alone = %d, want 200", status)
	}
	for _, name := range v.Running() {
		v.Kill(name)
	}
	heal()
}

// checkClaims fails the test unless the named nodes claim a complete answer without the batch exactly if wrong is set.
func (v *variable) checkClaims(t *testing.T, k caller, wrong bool, names ...string) {
	t.Helper()
	for _, name := range names {
		complete, has := k.get(name, 7, "alone")
		if claims := complete == "true" && !has; claims != wrong {
			t.Errorf("a read at %s is %q, has the batch: %t", name, complete, has)
		}
	}
}

// R and W change to any value while all nodes are stopped. Afterwards all totals are exact and reads are complete, also of
// a batch that one store alone acknowledged. While that store is away, no read claims to be complete, for any rise of W
// (P1, P4). Negative control: without the rule of the proven quorum, reads claim it after a rise by two.
func TestRAndWChangeWhileAllNodesAreStopped(t *testing.T) {
	for _, tt := range []struct {
		name           string
		copies, quorum int
		away           bool // the store with the only copy stays away
		disabled       safeguard.Set
	}{
		{name: "R raised", copies: 4, quorum: 1},
		{name: "R lowered", copies: 2, quorum: 1},
		{name: "R and W raised", copies: 4, quorum: 2},
		{name: "W raised by one", copies: 3, quorum: 2},
		{name: "W raised by two", copies: 3, quorum: 3},
		{name: "W raised by three", copies: 4, quorum: 4},
		{name: "W raised by one, while the store of the only copy is away", copies: 3, quorum: 2, away: true},
		{name: "W raised by two, while the store of the only copy is away", copies: 3, quorum: 3, away: true},
		{name: "unguarded", copies: 3, quorum: 3, away: true, disabled: safeguard.ProvenReads},
	} {
		t.Run(tt.name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				v := newVariable(t, 4, 3, 1, Options{Seed: 33, Disabled: tt.disabled})
				k := newCaller(t, v.Cluster)
				v.onOne(t, k, "d")
				names := []string{"a", "b", "c"}
				if !tt.away {
					names = append(names, "d")
				}
				v.restart(tt.copies, tt.quorum, names...)
				time.Sleep(2 * time.Minute)
				v.checkClaims(t, k, tt.disabled != 0, names...)
				if tt.away && tt.disabled == 0 {
					v.Start("d")
				}
				if tt.disabled == 0 {
					k.mustHave(t, time.Minute, "alone", 7)
				}
			})
		})
	}
}

// After a rise of W from 1 to 2 no store forgets the store of a batch that W=1 acknowledged, and no read claims to be
// complete without the batch, also not at a store with a new disk (P4). Negative controls: with each rule switched off,
// reads claim it.
func TestTheStoreOfABatchOfASmallerWIsMissed(t *testing.T) {
	for _, tt := range []struct {
		name     string
		disabled safeguard.Set
		joins    bool // a store with a new disk joins
	}{
		{name: "the stores of before"},
		{name: "a store with a new disk", joins: true},
		{name: "the store is forgotten by the new W", disabled: safeguard.ProvenForget},
		{name: "the others prove W without the store", disabled: safeguard.ProvenByAll | safeguard.ProvenForget},
		{name: "a store with a new disk forgets by the new W", disabled: safeguard.ProvenForget, joins: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				v := newVariable(t, 4, 3, 1, Options{Seed: 36, Disabled: tt.disabled})
				k := newCaller(t, v.Cluster)
				v.onOne(t, k, "d")
				names := []string{"a", "b", "c"}
				v.restart(3, 2, names...)
				if tt.joins {
					names = []string{"Z"} // before the others by name, so it is the one that forgets
					v.Start(names...)
				}
				time.Sleep(20 * time.Minute) // an absent store is forgotten after 15 minutes
				v.checkClaims(t, k, tt.disabled != 0, names...)
				if tt.disabled == 0 {
					v.Start("d")
					k.mustHave(t, time.Minute, "alone", 7)
				}
			})
		})
	}
}

// W=2 falls to 1, a store alone acknowledges a batch, and W rises to 2 again while that store is away (P4).
func TestARiseAfterAFallStartsFromTheSmallerW(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		v := newVariable(t, 4, 3, 2, Options{Seed: 38})
		k := newCaller(t, v.Cluster)
		v.restart(3, 1, letters[:4]...)
		if err := v.WaitReady(time.Minute); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		v.onOne(t, k, "d")
		v.restart(3, 2, letters[:3]...)
		time.Sleep(20 * time.Minute)
		v.checkClaims(t, k, false, letters[:3]...)
		v.Start("d")
		k.mustHave(t, time.Minute, "alone", 7)
	})
}

// W rises while a store is away for good. Its batches are on other stores too if W was 2 at least, so the others forget
// it, and reads are complete again without an operator. With W=1 an operator has to force it.
func TestARiseEndsWithoutAStoreThatIsGone(t *testing.T) {
	for _, tt := range []struct {
		before int
		forced bool
	}{{1, true}, {2, false}} {
		t.Run(fmt.Sprintf("from %d", tt.before), func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				v := newVariable(t, 4, 4, tt.before, Options{Seed: 39})
				k := newCaller(t, v.Cluster)
				if status := k.post("a", 7, "x"); status != 200 {
					t.Fatalf("post = %d, want 200", status)
				}
				time.Sleep(time.Minute)
				v.restart(4, 3, letters[:3]...)
				time.Sleep(20 * time.Minute)
				complete, _ := k.get("a", 7, "x")
				if (complete == "true") == tt.forced {
					t.Errorf("after 20 minutes a read is %q", complete)
				}
				for _, m := range v.Node("a").Members().Members {
					if m.Name == "d" {
						if err := v.Node("a").Forget(t.Context(), roster.StoreID(m.Store), true); err != nil {
							t.Fatal(err)
						}
					}
				}
				k.mustHave(t, time.Minute, "x", 7)
			})
		})
	}
}

// A node with a lower W by mistake, which the others refuse, takes no writes and keeps the proven quorum. So it starts with
// the W of the others again, and no batch is on its store alone (P4). Negative control: it takes the write, and the others
// claim complete reads without the batch.
func TestANodeThatIsRefusedTakesNoWriteOfALowerW(t *testing.T) {
	for _, disabled := range []safeguard.Set{0, safeguard.ProvenFirst} {
		racetest.Bubble(t, func(t *testing.T) {
			v := newVariable(t, 4, 4, 2, Options{Seed: 37, Disabled: disabled})
			k := newCaller(t, v.Cluster)
			v.Kill("d")
			v.quorum = 1
			v.Start("d")
			time.Sleep(time.Minute)
			if status := k.post("d", 7, "alone"); (status == 503) != (disabled == 0) {
				t.Errorf("post at the node that is refused = %d, safeguards off: %b", status, disabled)
			}
			v.Kill("d")
			v.quorum = 2
			if disabled != 0 { // the batch is acknowledged
				v.checkClaims(t, k, true, "a", "b", "c")
			}
			v.Start("d")
			if err := v.WaitReady(time.Minute, "d"); err != nil {
				t.Error(err)
			}
		})
	}
}

// Histories in which a disk is lost while all other stores recover: each cluster stops recovering (P6, P9). A store with a
// new disk must not make the others doubt W, because the lost store could never be forgotten then.
func TestALostDiskWhileAllOtherStoresRecover(t *testing.T) {
	for _, tt := range []struct {
		opts     Options
		scenario string
	}{
		{Options{Seed: 48, Copies: 3, Quorum: 2}, `
			kill n2
			wait 4920
			kill n1
			wait 5887
			wipe n3
			wait 3767
			start n3
			wait 5041
			power n3 32
			wait 4028
			spoil n3
			wait 3472`},
		{Options{Seed: 101, Copies: 2, Quorum: 2}, `
			power n2 70
			wipe n3
			kill n1
			wait 3155
			start n3
			wait 665
			restart n3
			wait 1675`},
		{Options{Seed: 104, Copies: 3, Quorum: 2}, `
			start n2
			wait 5293
			wipe n2
			wait 106
			heal
			wait 2435
			spoil n1
			wait 5778
			spoil n3
			wait 3553
			slow n3 n1 602
			wait 1397
			start n2
			wait 3669
			image n1
			wait 4933
			kill n2
			wait 4784`},
		{Options{Seed: 1, Copies: 3, Quorum: 2}, `
			kill n1
			kill n2
			wipe n3
			start n3
			wait 30000
			start n1 n2`},
	} {
		t.Run(fmt.Sprintf("seed %d", tt.opts.Seed), func(t *testing.T) {
			for _, fault := range history(t, tt.opts, ParseScenario(tt.scenario)).Faults {
				t.Error(fault)
			}
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
			v := newVariable(t, 5, 3, 2, Options{Seed: 34})
			k := newCaller(t, v.Cluster)
			if status := k.post("a", 7, "x"); status != 200 {
				t.Fatalf("post = %d, want 200", status)
			}
			v.restart(copies, 2, letters[:5]...)
			time.Sleep(2 * time.Minute)
			if got := holding(v.Cluster, letters[:5]...); got != copies {
				t.Errorf("with R=%d, %d stores have the hour, want %d", copies, got, copies)
			}
			k.mustHave(t, time.Minute, "x", 7)
		})
	}
}
