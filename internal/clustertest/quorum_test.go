package clustertest

import (
	"testing"
	"time"

	"flowring/internal/racetest"
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
	}{
		{name: "R raised", copies: 4, quorum: 1, want: "true"},
		{name: "R lowered", copies: 2, quorum: 1, want: "true"},
		{name: "R and W raised", copies: 4, quorum: 2, want: "true"},
		{name: "W raised by one", copies: 3, quorum: 2, want: "true"},
		{name: "W raised by one, while the store of the only copy is away", copies: 3, quorum: 2, away: true, missing: true},
		{name: "W raised by two, while the store of the only copy is away", copies: 3, quorum: 3, away: true, missing: true, wrong: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				copies, quorum := 3, 1
				c := formed(t, 4, Options{Seed: 33, Copies: 3, Quorum: 1, Configure: func(cfg *node.Config) {
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
