package clustertest

import (
	"fmt"
	"testing"
	"time"

	"flowring/internal/clustertest/checker"
	"flowring/internal/racetest"
)

// Nodes of another installation at the address of a dead node never join the cluster of that node, with any names, and
// whether their own cluster is complete or not. The dead node comes back at another address and is a member again (P4,
// P8).
func TestAnotherInstallationStaysApart(t *testing.T) {
	for _, names := range []string{"b1", "b1 b2", "b1 b2 b3", "n1", "n2", "n3", "n2 n1", "n1 n2 n3"} {
		t.Run(names, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(3) {
				opts := Options{Seed: seed + 1, Copies: 3, Quorum: 2, Quiet: true}
				result := history(t, opts, ParseScenario(fmt.Sprintf("write n1 all\nkill n2\nsquat n2 %s\nwait 40000", names)))
				for _, fault := range result.Faults {
					t.Errorf("seed %d: %s", seed+1, fault)
				}
			}
		})
	}
}

// wait waits until a condition holds, for at most a time of the bubble.
func wait(t *testing.T, within time.Duration, condition func() error) {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		err := condition()
		if err == nil {
			return
		}
		if time.Since(begun) > within {
			t.Fatalf("after %v: %v", within, err)
		}
	}
}

// Another installation at such an address founds its own cluster once all its nodes run.
func TestAnotherInstallationFoundsItsOwnCluster(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		c := New(t, Options{Seed: 1, Copies: 3, Quorum: 2})
		defer c.Close()
		c.Start("n1", "n2", "n3")
		c.mustAgree(t, agreeWithin)
		c.Kill("n2")
		r := &runner{load: load{c: c, check: checker.New()}}
		if err := r.squat("n2", []string{"b1", "b2", "b3"}); err != nil {
			t.Fatal(err)
		}
		wait(t, agreeWithin, func() error {
			for _, m := range c.alien {
				if err := m.node.Ready(); err != nil {
					return fmt.Errorf("%s: %w", m.Name, err)
				}
			}
			return nil
		})
		if ours, theirs := c.Node("n1").Members().Cluster, c.alien[0].node.Members().Cluster; ours == theirs {
			t.Errorf("both installations are cluster %s", ours)
		}
	})
}
