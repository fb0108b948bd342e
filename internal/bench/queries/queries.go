package queries

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"flowring/flow"
	"flowring/internal/bench/duckdb"
	"flowring/internal/bench/server"
	"flowring/internal/bench/workload"
	"flowring/internal/load"
)

// Sizes are the sizes of the measurements.
type Sizes struct {
	rounds     int
	hours      int // of the day
	flows      int // of each of them
	smallHours int // hours of smallFlows
	posts      int // beside a query; 0: not measured
	groups     int // of the measurement of memory; 0: not measured
}

// The sizes for a whole measurement, and for one of less than 20 s.
var (
	Full  = Sizes{rounds: 5, hours: 24, flows: 200_000, smallHours: 2160, posts: 10_000, groups: 5_000_000}
	Short = Sizes{rounds: 3, hours: 24, flows: 20_000, smallHours: 100}
)

// Title is the beginning of the titles of all tables.
const Title = "Query"

const (
	topRows    = 20
	dayRecords = 250 // of a post: an hour of fewer than 64 batches is not sealed
	smallFlows = 100
	drawnFlows = 10_000
	benchApp   = "service-77"
)

// The kinds of answers.
var (
	duckDB    = server.Kind{Name: "DuckDB, one thread"}
	warm      = server.Kind{Name: "flowring R=1, hours in memory"}
	filtered  = server.Kind{Name: "flowring R=1, one application"}
	cold      = server.Kind{Name: "flowring R=1, sealed hours on disk"}
	alone     = server.Kind{Name: "flowring R=1, posts alone"}
	withQuery = server.Kind{Name: "flowring R=1, posts beside a query"}
)

// Bar is the largest cost of a kind: Limit times the cost of another kind, or Limit itself without another kind.
type Bar struct {
	Kind, Against server.Kind
	Limit         float64
}

// Result is one table: the costs of the runs of each kind.
type Result struct {
	Name, Unit string
	Kinds      []server.Kind
	Costs      [][]float64
	Bars       []Bar
}

// run is the cost of one run, in milliseconds.
type run struct{ cpu, wall float64 }

func cpuOf(r run) float64  { return r.cpu }
func wallOf(r run) float64 { return r.wall }

// add adds the runs of a kind with one of their figures as the cost. It leaves out a kind without runs.
func (r *Result) add(k server.Kind, runs []run, figure func(run) float64) {
	if len(runs) == 0 {
		return
	}
	var costs []float64
	for _, one := range runs {
		costs = append(costs, figure(one))
	}
	r.Kinds, r.Costs = append(r.Kinds, k), append(r.Costs, costs)
}

// day is a measurement of queries about hours with the same flows.
type day struct {
	Sizes
	server *server.Server
}

// Measure measures queries at one node, whose kind is given, beside DuckDB. Without DuckDB it leaves it out.
func Measure(ctx context.Context, l server.Launcher, node server.Kind, n Sizes) (results []Result, err error) {
	s, err := l.Start(ctx, node)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.End()) }()
	d := &day{Sizes: n, server: s}
	posts := workload.InOrder(s.Hour, n.hours, dayRecords, n.flows, workload.Scattered)
	if err := d.send(ctx, "day", n.hours*n.flows/dayRecords, workload.Few, posts); err != nil {
		return nil, err
	}
	results, err = d.largest(ctx, l.Dir)
	if err != nil {
		return nil, err
	}
	small, err := smallHours(ctx, l, node, n)
	if err != nil {
		return nil, err
	}
	return withPeak(ctx, l, n.groups, append(results, small))
}

// largest measures the queries for the largest flows of the day. The hours leave memory only at the end.
func (d *day) largest(ctx context.Context, parent string) ([]Result, error) {
	inMemory, err := d.measure(ctx, d.top(""))
	if err != nil {
		return nil, err
	}
	one, err := d.measure(ctx, d.top("&src_app="+benchApp))
	if err != nil {
		return nil, err
	}
	title := fmt.Sprintf("%s: top %d of %d hours of %d flows", Title, topRows, d.hours, d.flows)
	yardstick, err := d.beside(ctx, parent)
	if errors.Is(err, duckdb.ErrUnavailable) {
		fmt.Fprintf(os.Stderr, "%s: SKIPPED beside DuckDB: %v\n", title, err)
	} else if err != nil {
		return nil, err
	}
	busy, err := d.besidePosts(ctx)
	if err != nil {
		return nil, err
	}
	onDisk, err := d.sealed(ctx)
	if err != nil {
		return nil, err
	}
	cpu := Result{Name: title, Unit: "CPU ms", Bars: []Bar{{filtered, warm, 0.1}, {cold, warm, 3}}}
	wall := Result{Name: title + ": time", Unit: "ms", Bars: []Bar{{warm, server.Kind{}, 1000}}}
	if len(yardstick) > 0 {
		cpu.Bars = append(cpu.Bars, Bar{warm, duckDB, 1.5})
	}
	cpu.add(duckDB, yardstick, cpuOf)
	wall.add(duckDB, yardstick, wallOf)
	cpu.add(warm, inMemory, cpuOf)
	wall.add(warm, inMemory, wallOf)
	cpu.add(filtered, one, cpuOf)
	cpu.add(cold, onDisk, cpuOf)
	return append([]Result{cpu, wall}, busy...), nil
}

// top returns the path of the query for the largest flows of the day.
func (d *day) top(more string) string {
	return fmt.Sprintf("/flows?from=%d&to=%d&top=%d%s", d.server.Hour, d.server.Hour+flow.Hour(d.hours), topRows, more)
}

// measure asks once without measuring, and then in several rounds. A run has CPU time as its cost, and its duration.
func (d *day) measure(ctx context.Context, path string) (runs []run, err error) {
	ask := func() error { return server.Get(ctx, d.server.Addresses()[0], path, io.Discard) }
	if err := ask(); err != nil {
		return nil, err
	}
	for round := range d.rounds {
		begun := time.Now()
		used, err := workload.CPU(d.server, ask)
		if err != nil {
			return nil, err
		}
		one := run{wall: milliseconds(time.Since(begun))}
		for _, cpu := range used {
			one.cpu += milliseconds(cpu)
		}
		runs = append(runs, one)
		fmt.Fprintf(os.Stderr, "GET %s: run %d of %d: %.1f ms of CPU\n", path, round+1, d.rounds, one.cpu)
	}
	return runs, nil
}

// beside measures the query for the largest flows in DuckDB, over the rows that the node answers with, and compares
// both answers.
func (d *day) beside(ctx context.Context, parent string) (runs []run, err error) {
	duck, err := duckdb.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, duck.Close()) }()
	dir, err := os.MkdirTemp(parent, "bench-csv-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	for hour := range d.hours {
		if err := d.export(ctx, filepath.Join(dir, strconv.Itoa(hour)+".csv"), d.server.Hour+flow.Hour(hour)); err != nil {
			return nil, err
		}
	}
	const sql = `SELECT src_app, dest_app, vpc_id, sum(bytes_tx), sum(bytes_rx) FROM flows WHERE hour >= %d AND hour < %d
		GROUP BY src_app, dest_app, vpc_id
		ORDER BY sum(bytes_tx) + sum(bytes_rx) DESC, src_app, dest_app, vpc_id LIMIT %d`
	answers, err := duck.Measure(ctx, filepath.Join(dir, "*.csv"), d.rounds,
		fmt.Sprintf(sql, d.server.Hour, d.server.Hour+flow.Hour(d.hours), topRows))
	if err != nil {
		return nil, err
	}
	if err := d.compare(ctx, answers[0].Rows); err != nil {
		return nil, err
	}
	for _, r := range answers[0].Runs {
		runs = append(runs, run{r.CPU / 1000, r.Wall / 1000})
	}
	return runs, nil
}

// export writes the flows of an hour to a CSV file.
func (d *day) export(ctx context.Context, file string, hour flow.Hour) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	path := fmt.Sprintf("/flows?from=%d&to=%d&group_by=hour,src_app,dest_app,vpc_id&format=csv", hour, hour+1)
	return errors.Join(server.Get(ctx, d.server.Addresses()[0], path, f), f.Close())
}

// compare fails if DuckDB's rows are not those of the node.
func (d *day) compare(ctx context.Context, want [][]string) error {
	var text strings.Builder
	if err := server.Get(ctx, d.server.Addresses()[0], d.top(""), &text); err != nil {
		return err
	}
	var rows []struct {
		SrcApp  string `json:"src_app"`
		DestApp string `json:"dest_app"`
		VPCID   string `json:"vpc_id"`
		BytesTx int64  `json:"bytes_tx"`
		BytesRx int64  `json:"bytes_rx"`
	}
	if err := json.Unmarshal([]byte(text.String()), &rows); err != nil {
		return err
	}
	for i, w := range want {
		got := []string{rows[i].SrcApp, rows[i].DestApp, rows[i].VPCID, fmt.Sprint(rows[i].BytesTx),
			fmt.Sprint(rows[i].BytesRx)}
		if strings.Join(got, " ") != strings.Join(w, " ") {
			return fmt.Errorf("row %d of the query is %q, and %q in DuckDB", i, got, w)
		}
	}
	return nil
}

// sealed measures the query for the largest flows over sealed hours that are not in memory. The first process seals the
// hours, and the second one answers.
func (d *day) sealed(ctx context.Context) ([]run, error) {
	d.server.Kill(0)
	d.server.Flags = []string{"--seal-after", "1s"}
	if err := d.server.Launch(ctx); err != nil {
		return nil, err
	}
	const within = 5 * time.Minute
	deadline := time.Now().Add(within)
	for err := d.server.Sealed(ctx, d.hours); err != nil; err = d.server.Sealed(ctx, d.hours) {
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("seal: %w", err)
		}
		time.Sleep(200 * time.Millisecond)
	}
	d.server.Kill(0)
	d.server.Flags = nil
	if err := d.server.Launch(ctx); err != nil {
		return nil, err
	}
	return d.measure(ctx, d.top(""))
}

// besidePosts measures posts alone, and beside one client that always asks for the largest flows.
func (d *day) besidePosts(ctx context.Context) ([]Result, error) {
	if d.posts == 0 {
		return nil, nil
	}
	posts := workload.Drawn(d.server.Hour+flow.Hour(d.hours), workload.BodyRecords, drawnFlows)
	var times [2][]run
	for round := range d.rounds {
		for i := range times {
			begun := time.Now()
			err := d.asking(ctx, i == 1, func() error {
				return d.send(ctx, fmt.Sprintf("beside-%d-%d", round, i), d.posts, workload.Many, posts)
			})
			if err != nil {
				return nil, err
			}
			times[i] = append(times[i], run{wall: milliseconds(time.Since(begun)) / float64(d.posts)})
		}
	}
	r := Result{
		Name: Title + ": posts of 1,000 records over 64 connections, beside a query that is always asked",
		Unit: "ms per post",
		Bars: []Bar{{withQuery, alone, 1 / 0.8}},
	}
	r.add(alone, times[0], wallOf)
	r.add(withQuery, times[1], wallOf)
	return []Result{r}, nil
}

// send posts records.
func (d *day) send(ctx context.Context, key string, posts, connections int, of load.Posts) error {
	_, err := workload.New(key, connections, int64(posts), of).Run(ctx, d.server)
	return err
}

// asking calls do. If the day is to be asked, a client asks for its largest flows meanwhile, again and again.
func (d *day) asking(ctx context.Context, asked bool, do func() error) error {
	if !asked {
		return do()
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		var err error
		for err == nil {
			err = server.Get(ctx, d.server.Addresses()[0], d.top(""), io.Discard)
		}
		if ctx.Err() != nil {
			err = nil
		}
		ended <- err
	}()
	err := do()
	cancel()
	return errors.Join(err, <-ended)
}

// smallHours measures the sum of many small hours.
func smallHours(ctx context.Context, l server.Launcher, node server.Kind, n Sizes) (r Result, err error) {
	s, err := l.Start(ctx, node)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.End()) }()
	d := &day{Sizes: n, server: s}
	posts := workload.InOrder(s.Hour, n.smallHours, smallFlows, smallFlows, 1)
	if err := d.send(ctx, "hours", n.smallHours, workload.Few, posts); err != nil {
		return r, err
	}
	runs, err := d.measure(ctx, fmt.Sprintf("/flows?from=%d&to=%d&group_by=", s.Hour, s.Hour+flow.Hour(n.smallHours)))
	r = Result{
		Name: fmt.Sprintf("%s: the total of %d hours of %d flows", Title, n.smallHours, smallFlows), Unit: "ms",
		Bars: []Bar{{warm, server.Kind{}, 1000}},
	}
	r.add(warm, runs, wallOf)
	return r, err
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
