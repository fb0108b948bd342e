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

// point is the size of a cluster and of its data. A table compares the costs of several points.
type point struct {
	flows  int // of each hour
	hours  int
	nodes  int
	copies int
	slices int // of each hour; also the number of times each flow is sent
}

// dimension is one table: it varies one number of a point.
type dimension struct {
	title  string
	base   point
	values []int
	set    func(*point, int)
	varied varied
	sealed bool // the disk is measured again after all hours are sealed
}

// varied is the number of a point that a dimension varies.
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

// grow measures every dimension whose title contains the text, and prints a table after each of them. It measures a
// point of two tables once.
func grow(ctx context.Context, w io.Writer, l server.Launcher, text string) error {
	known := make(map[point]figures)
	other := func(d dimension) bool { return !strings.Contains(d.title, text) }
	wanted := slices.DeleteFunc(slices.Clone(dimensions), other)
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

// measure adds to known all points of a dimension that fit into the memory of this machine.
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
			fmt.Fprintf(os.Stderr, "%s: %d: SKIPPED: %d MiB of memory are available, %d needed\n", d.title, n, free>>20,
				p.needs()>>20)
			continue
		}
		progress := func(text string) { fmt.Fprintf(os.Stderr, "%s: %d: %s\n", d.title, n, text) }
		f, err := p.measure(ctx, l, d.sealed, progress)
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

// needs returns the memory of the nodes of a point, at most: their data, garbage of the same size, and buffers for
// answers and repair.
func (p point) needs() int64 {
	const forFlow, forNode = 400, 100 << 20
	return int64(p.flows*p.hours*p.copies*p.slices)*forFlow + int64(p.nodes)*forNode
}

// measure measures a point in two clusters, one after the other. The second cluster is for the memory.
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
	return f, g.in(ctx, []string{"GOGC=10"}, g.hold) // then resident memory holds little garbage
}

// in takes steps in a new cluster.
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
