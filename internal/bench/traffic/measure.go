package traffic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"flowring/flow"
	"flowring/internal/bench/server"
	"flowring/internal/bench/workload"
)

// Sizes are the sizes of a run.
type Sizes struct {
	Rounds  int
	Records int  // of a round, at most
	Posts   int  // of a round, at most
	All     bool // all cells; otherwise those of the short form
	Flows   int  // in memory, for State

	Refilled, Loaded int // small batches, for State
}

// The sizes of the long and the short form.
var (
	Full = Sizes{Rounds: 3, Records: 200_000, Posts: 5000, All: true, Flows: 1_200_000,
		Refilled: 120_000, Loaded: 360_000}
	Short = Sizes{Rounds: 1, Records: 100_000, Posts: 2000, Flows: 120_000, Refilled: 6000, Loaded: 18_000}
)

// The kinds of servers.
var (
	readOnly = server.Kind{Name: "HTTP read only", Yardstick: "read-only"}
	plainGo  = server.Kind{Name: "plain Go", Yardstick: "plain"}
	node     = server.Kind{Name: "flowring R=1", Nodes: 1, Copies: 1, Slices: 1}
	kinds    = []server.Kind{readOnly, plainGo, node}
)

// Costs are the medians of a cell: CPU time of one post.
type Costs struct {
	Cell                    Cell
	ReadOnly, PlainGo, Node time.Duration
}

// Result is the costs of the cells of a group.
type Result struct {
	Group   Group
	Costs   []Costs
	LeftOut []string // cells that the short form leaves out
}

// Measure measures the groups whose names contain a text. It prints its progress.
func Measure(ctx context.Context, l server.Launcher, n Sizes, only string, progress io.Writer) ([]Result, error) {
	var all []Result
	for _, g := range Groups() {
		if !strings.Contains(g.Name, only) {
			continue
		}
		r, err := measureGroup(ctx, l, g, n, progress)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", g.Name, err)
		}
		all = append(all, r)
	}
	return all, nil
}

// measureGroup measures the cells of a group with one server of each kind.
func measureGroup(ctx context.Context, l server.Launcher, g Group, n Sizes, progress io.Writer) (r Result, err error) {
	r.Group = g
	var servers []*server.Server
	defer func() {
		for _, s := range servers {
			err = errors.Join(err, s.End())
		}
	}()
	for _, k := range kinds {
		s, err := l.Start(ctx, k)
		if err != nil {
			return r, err
		}
		servers = append(servers, s)
	}
	hour := servers[0].Hour
	for _, c := range g.Cells {
		if !n.All && !c.short {
			r.LeftOut = append(r.LeftOut, c.Name)
			continue
		}
		costs, err := n.cell(ctx, servers, c, &hour)
		if err != nil {
			return r, fmt.Errorf("%s: %w", c.Name, err)
		}
		fmt.Fprintf(progress, "%s: %s: %v, %v, %v\n", g.Name, c.Name, costs.ReadOnly, costs.PlainGo, costs.Node)
		r.Costs = append(r.Costs, costs)
	}
	return r, nil
}

// cell measures a cell. hour is the newest hour so far.
func (n Sizes) cell(ctx context.Context, servers []*server.Server, c Cell, hour *flow.Hour) (Costs, error) {
	used := make([][]time.Duration, len(servers))
	for round := range n.Rounds {
		*hour += flow.Hour(c.hours + c.moving)
		for i, s := range servers {
			spent, err := n.round(ctx, s, c, round, *hour)
			if err != nil {
				return Costs{}, fmt.Errorf("%s: %w", s.Kind.Name, err)
			}
			used[i] = append(used[i], spent)
		}
	}
	for _, all := range used {
		slices.Sort(all)
	}
	middle := n.Rounds / 2
	return Costs{c, used[0][middle], used[1][middle], used[2][middle]}, nil
}

// round returns the CPU time of one post.
func (n Sizes) round(
	ctx context.Context, s *server.Server, c Cell, round int, newest flow.Hour,
) (time.Duration, error) {
	coding := c.coding
	if s.Kind.Yardstick != "" {
		coding = ""
	}
	posts, err := newBodies(c, newest, coding)
	if err != nil {
		return 0, err
	}
	count := min(n.Posts, max(n.Records/c.records, leastKept))
	work := func(part string, count int) workload.Workload {
		key := fmt.Sprintf("%s-%d-%s", part, round, newest)
		if c.keyless {
			key = ""
		}
		w := workload.New(key, c.connections, int64(count), posts)
		if coding != "" {
			w.Header = http.Header{"Content-Encoding": {coding}}
		}
		return w
	}
	if _, err := work("warm", max(count/10, c.connections)).Run(ctx, s); err != nil {
		return 0, err
	}
	used, err := workload.CPU(s, func() error {
		_, err := work("load", count).Run(ctx, s)
		return err
	})
	if err != nil {
		return 0, err
	}
	return used[0] / time.Duration(count), nil
}
