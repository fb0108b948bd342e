package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// repair takes the disk of the last node, starts it anew, and measures all nodes until they are whole again.
func (g *growing) repair(ctx context.Context) error {
	if g.copies < 2 {
		return nil
	}
	if err := g.until(ctx, func() error { return g.whole(ctx) }); err != nil {
		return fmt.Errorf("before the repair: %w", err)
	}
	last := g.nodes - 1
	g.server.kill(last)
	if err := os.RemoveAll(g.server.data(last)); err != nil {
		return err
	}
	begun := time.Now()
	before, err := g.server.cpu()
	if err != nil {
		return err
	}
	if err := g.server.launch(ctx, g.launcher, nil); err != nil {
		return err
	}
	if err := g.until(ctx, func() error { return g.whole(ctx) }); err != nil {
		return fmt.Errorf("repair: %w", err)
	}
	took := time.Since(begun)
	after, err := g.server.cpu()
	if err != nil {
		return err
	}
	sum, _ := spent(append(before, 0), after)
	g.note(repairTime, took.Seconds())
	g.note(repairCPU, sum.Seconds())
	return nil
}

// whole says why the cluster is not whole: some node misses another, copies are on their way, or a read cannot be proven complete.
func (g *growing) whole(ctx context.Context) error {
	holding := 0
	for _, addr := range g.server.addresses() {
		view, err := members(ctx, addr)
		if err != nil {
			return err
		}
		if len(view.Members) != g.nodes {
			return fmt.Errorf("%s knows %d stores", addr, len(view.Members))
		}
		for _, m := range view.Members {
			switch {
			case m.State != "alive" || !m.Established || m.Leaving || m.Recovering:
				return fmt.Errorf("%s: %s is not there yet", addr, m.Name)
			case m.Repairing > 0 || m.Behind > 0:
				return fmt.Errorf("%s: %s is being repaired", addr, m.Name)
			case m.Name == view.Node:
				holding += m.Hours
			}
		}
	}
	if holding < g.hours*g.copies {
		return fmt.Errorf("there are %d copies of %d hours", holding, g.hours)
	}
	return discard(ctx, fmt.Sprintf("http://%s/flows?hour=%d&require=complete", g.server.addresses()[0], g.server.hour))
}

// seal starts all nodes so that they seal their hours at once, and measures the disk when they have.
func (g *growing) seal(ctx context.Context) error {
	g.server.kill(0)
	g.server.flags = []string{"--seal-after", "1s"}
	if err := g.server.launch(ctx, g.launcher, nil); err != nil {
		return err
	}
	err := g.until(ctx, func() error { return g.sealed(ctx) })
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	bytes, err := g.settled(ctx)
	g.note(sealedBytes, float64(bytes)/g.held())
	return err
}

// sealed says why not every copy of every hour is sealed.
func (g *growing) sealed(ctx context.Context) error {
	sum := 0.0
	for _, addr := range g.server.addresses() {
		n, err := metric(ctx, addr, "flowring_store_sealed_total")
		if err != nil {
			return err
		}
		sum += n
	}
	if want := float64(g.hours * g.copies); sum < want {
		return fmt.Errorf("%v of %v copies are sealed", sum, want)
	}
	return nil
}

var errShrinks = errors.New("the disk is still given back")

// settled returns the size of the tables once it has been the same for a while: what was replaced is given back by and by.
func (g *growing) settled(ctx context.Context) (bytes int64, err error) {
	const while = 12 * time.Second // longer than a node leaves what is deleted before it compacts that
	since := time.Now()
	err = g.until(ctx, func() error {
		now, err := tableBytes(g.server.dir)
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
