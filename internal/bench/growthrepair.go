package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"flowring/internal/bench/server"
	"flowring/internal/bench/workload"
)

// repair takes the disk of the last node away, starts that node again, and measures all nodes until the cluster is
// whole.
func (g *growing) repair(ctx context.Context) error {
	if g.copies < 2 {
		return nil
	}
	whole := func() error { return g.server.Whole(ctx, g.hours) }
	if err := server.Until(ctx, whole); err != nil {
		return fmt.Errorf("before the repair: %w", err)
	}
	if err := g.server.LoseDisk(); err != nil {
		return err
	}
	begun := time.Now()
	before, err := g.server.CPU()
	if err != nil {
		return err
	}
	if err := g.server.Launch(ctx); err != nil {
		return err
	}
	if err := server.Until(ctx, whole); err != nil {
		return fmt.Errorf("repair: %w", err)
	}
	took := time.Since(begun)
	after, err := g.server.CPU()
	if err != nil {
		return err
	}
	sum, _ := usage{cpu: workload.Spent(append(before, 0), after)}.sum() // the last process began with 0
	g.note(repairTime, took.Seconds())
	g.note(repairCPU, sum.Seconds())
	return nil
}

// seal starts all nodes again with a short --seal-after, and measures the disk once every hour is sealed.
func (g *growing) seal(ctx context.Context) error {
	g.server.Kill(0)
	g.server.Flags = []string{"--seal-after", "1s"}
	if err := g.server.Launch(ctx); err != nil {
		return err
	}
	if err := server.Until(ctx, func() error { return g.server.Sealed(ctx, g.hours) }); err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	bytes, err := g.settled(ctx)
	g.note(sealedBytes, float64(bytes)/g.held())
	return err
}

var errShrinks = errors.New("the disk still shrinks")

// settled returns the size of the tables once it stays the same for a while, because nodes delete replaced tables
// little by little.
func (g *growing) settled(ctx context.Context) (bytes int64, err error) {
	const while = 12 * time.Second // longer than the delay between a deletion and its compaction
	since := time.Now()
	err = server.Until(ctx, func() error {
		now, err := g.server.TableBytes()
		if err != nil {
			return err
		}
		if now != bytes {
			bytes, since = now, time.Now()
		}
		if time.Since(since) < while {
			return errShrinks
		}
		return nil
	})
	return bytes, err
}
