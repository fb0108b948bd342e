package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"flowring/internal/bench/server"
)

// point is a size of everything: what is measured is how cost grows from one to the next.
type point struct {
	flows  int // of each hour
	hours  int
	nodes  int
	copies int
	slices int // of an hour, and how often each flow is sent
}

// dimension is what one table varies, all else being the same.
type dimension struct {
	title  string
	base   point
	values []int
	set    func(*point, int)
	varied varied
	sealed bool // the disk is measured once more when all hours are sealed
}

// varied says which of a point's numbers a dimension varies.
type varied int

const (
	flows varied = 1 << iota
	hours
	nodes
	copies
	cuts
)

var dimensions = []dimension{
	{
		title: "Flows in an hour: 1 hour, 3 nodes, 3 copies", base: point{0, 1, 3, 3, 1}, varied: flows, sealed: true,
		values: []int{1000, 10_000, 100_000, 1_000_000, 10_000_000}, set: func(p *point, n int) { p.flows = n },
	}, {
		title: "Hours: 1000 flows in each, 3 nodes, 3 copies", base: point{1000, 0, 3, 3, 1}, varied: hours, sealed: true,
		values: []int{1, 10, 100, 1000}, set: func(p *point, n int) { p.hours = n },
	}, {
		title: "Nodes: 10 hours of 50000 flows, 1 copy", base: point{50_000, 10, 0, 1, 1}, varied: nodes,
		values: []int{1, 2, 4, 8}, set: func(p *point, n int) { p.nodes = n },
	}, {
		title: "Nodes: 10 hours of 50000 flows, 3 copies", base: point{50_000, 10, 0, 3, 1}, varied: nodes,
		values: []int{3, 5, 8}, set: func(p *point, n int) { p.nodes = n },
	}, {
		title: "Copies: 10 hours of 50000 flows, 3 nodes", base: point{50_000, 10, 3, 0, 1}, varied: copies,
		values: []int{1, 2, 3}, set: func(p *point, n int) { p.copies = n },
	}, {
		title: "Slices: 1 hour of 200000 flows, 4 nodes, 1 copy", base: point{200_000, 1, 4, 1, 0}, varied: cuts,
		values: []int{1, 4, 8, 16}, set: func(p *point, n int) { p.slices = n },
	},
}

// grow measures every dimension whose title contains some text, and prints a table after each. A point that is in two tables is
// measured once.
func grow(ctx context.Context, w io.Writer, l server.Launcher, text string) error {
	known := make(map[point]figures)
	wanted := slices.DeleteFunc(slices.Clone(dimensions), func(d dimension) bool { return !strings.Contains(d.title, text) })
	if len(wanted) == 0 {
		return noTable(text)
	}
	for _, d := range wanted {
		if err := d.measure(ctx, l, known); err != nil {
			return err
		}
		if err := writeGrowth(w, d, known); err != nil {
			return err
		}
	}
	return nil
}

// measure adds to what is known all points of a dimension for which this machine has memory.
func (d dimension) measure(ctx context.Context, l server.Launcher, known map[point]figures) error {
	for _, n := range d.values {
		p := d.at(n)
		if _, ok := known[p]; ok {
			continue
		}
		free, err := server.AvailableBytes()
		if err != nil {
			return err
		}
		if free < p.needs() {
			fmt.Fprintf(os.Stderr, "%s: %d: SKIPPED: %d MiB of memory are available, %d needed\n", d.title, n, free>>20, p.needs()>>20)
			continue
		}
		f, err := p.measure(ctx, l, d.sealed, func(text string) { fmt.Fprintf(os.Stderr, "%s: %d: %s\n", d.title, n, text) })
		if err != nil {
			return fmt.Errorf("%s: %d: %w", d.title, n, err)
		}
		known[p] = f
	}
	return nil
}

// at returns the point of the dimension at one of its values.
func (d dimension) at(value int) point {
	p := d.base
	d.set(&p, value)
	return p
}

// needs returns how much memory the nodes of a point may take: what they hold, as much garbage, and what they read to answer and repair.
func (p point) needs() int64 {
	const forFlow, forNode = 400, 100 << 20
	return int64(p.flows*p.hours*p.copies*p.slices)*forFlow + int64(p.nodes)*forNode
}

// measure measures everything in two clusters, one after the other: of the second only the memory.
func (p point) measure(ctx context.Context, l server.Launcher, sealed bool, progress func(string)) (figures, error) {
	f := make(figures)
	g := growing{point: p, launcher: l, figures: f, progress: progress}
	steps := []func(context.Context) error{g.post, g.read, g.restart, g.repair}
	if sealed && p.hours <= mostSealed {
		steps = append(steps, g.seal)
	}
	if err := g.in(ctx, nil, steps...); err != nil {
		return nil, err
	}
	if p.flows*p.hours < leastHeld {
		return f, nil
	}
	return f, g.in(ctx, []string{"GOGC=10"}, g.hold) // little garbage in what is resident
}

// in takes steps with a cluster of its own.
func (g *growing) in(ctx context.Context, env []string, steps ...func(context.Context) error) (err error) {
	k := server.Kind{Name: "the cluster", Nodes: g.nodes, Copies: g.copies, Slices: g.slices}
	if g.server, err = g.launcher.Start(ctx, k, env...); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.server.End()) }()
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}
