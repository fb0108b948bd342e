package clustertest

import (
	"context"
	"testing"
	"time"

	"flowring/internal/clustertest/checker"
	"flowring/internal/racetest"
	"flowring/ring/roster"
	"flowring/store/journal/journaltest"
)

// A cluster of exactly W nodes that has lost a disk waits for an operator, because too few stores can confirm the new
// store. After the lost store is forgotten by force the cluster goes on with every batch.
func TestForcedForgettingReplacesALostDiskOfWNodes(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		opts := Options{Copies: 3, Quorum: 3, Hours: 3, Quiet: true}
		c := New(t, opts)
		defer c.Close()
		check := checker.New()
		r := &runner{load: load{c: c, check: check, hours: 3}, rng: c.rng}
		c.Start("n1", "n2", "n3")
		if err := c.WaitReady(time.Minute); err != nil {
			t.Fatal(err)
		}
		r.clientStep("write", "n2", []string{"all", "3"})
		if check.Acknowledged() != 9 {
			t.Fatalf("%d of 9 batches acknowledged", check.Acknowledged())
		}
		old := ""
		for _, m := range c.Node("n2").Members().Members {
			if m.Name == "n1" {
				old = m.Store
			}
		}
		c.crash("n1", (*journaltest.Disk).Wipe)
		c.Start("n1")
		if err := c.WaitReady(2 * time.Minute); err == nil {
			t.Error("the cluster is ready without W confirmations")
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := c.Node("n2").Forget(ctx, roster.StoreID(old), false); err == nil {
			t.Error("Forget without force = nil, want the guard")
		}
		if err := c.Node("n2").Forget(ctx, roster.StoreID(old), true); err != nil {
			t.Fatalf("Forget with force = %v", err)
		}
		if err := c.WaitReady(time.Minute); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		if err := r.settled(); err != nil {
			t.Error(err)
		}
		for _, fault := range check.Faults() {
			t.Error(fault)
		}
	})
}
