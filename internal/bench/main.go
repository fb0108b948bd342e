package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"flowring/flow"
	"flowring/internal/bench/pages"
	"flowring/internal/bench/queries"
	"flowring/internal/bench/server"
	"flowring/internal/bench/traffic"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	short    bool
	json     bool
	check    float64
	flowring string
	profile  string
	growth   bool
	traffic  bool
	only     string
}

func run(ctx context.Context, args []string) error {
	if len(args) > 1 && args[0] == "serve" {
		return serve(ctx, args[1], args[2:])
	}
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.BoolVar(&o.short, "short", false, "measure less, in less than a minute")
	flags.BoolVar(&o.json, "json", false, "print JSON")
	flags.Float64Var(&o.check, "check", 0, "fail if a cost is over `FACTOR` times its bar; 0: never")
	flags.StringVar(&o.flowring, "flowring", "bin/flowring", "program under measurement; journals lie in its folder")
	flags.StringVar(&o.profile, "profile", "",
		"write CPU profiles of nodes under load to `DIR`, and measure nothing but -traffic")
	flags.BoolVar(&o.growth, "growth", false, "measure how cost grows, in about ten minutes, and nothing else")
	flags.BoolVar(&o.traffic, "traffic", false, "measure posts of many forms, in some minutes, and nothing else")
	flags.StringVar(&o.only, "only", "", "only the tables whose titles contain `TEXT`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	// The client keeps little, and its CPU time is lost to the servers.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	l := server.Launcher{Self: self, Flowring: o.flowring, Dir: filepath.Dir(o.flowring)}
	if o.profile != "" && !o.traffic {
		return profile(ctx, l, o.profile)
	}
	if o.growth {
		return grow(ctx, os.Stdout, l, o.only)
	}
	if o.traffic {
		return measureTraffic(ctx, l, o)
	}
	return compare(ctx, l, o)
}

// measureTraffic takes the measurements of package traffic and prints them.
func measureTraffic(ctx context.Context, l server.Launcher, o options) error {
	if o.profile != "" {
		l.Profile = filepath.Join(o.profile, "traffic")
	}
	n := traffic.Full
	if o.short {
		n = traffic.Short
	}
	results, err := traffic.Measure(ctx, l, n, o.only, os.Stderr)
	if err != nil {
		return err
	}
	figures, err := traffic.State(ctx, l, n, o.only)
	if err != nil {
		return err
	}
	if len(results)+len(figures) == 0 {
		return noTable(o.only)
	}
	err = errors.Join(traffic.Write(os.Stdout, results), traffic.WriteState(os.Stdout, figures))
	if err != nil || o.check == 0 {
		return err
	}
	return traffic.Check(results, figures, o.check)
}

// compare takes all measurements and prints them.
func compare(ctx context.Context, l server.Launcher, o options) error {
	n, q, np := full, queries.Full, pages.Full
	if o.short {
		n, q, np = short, queries.Short, pages.Short
	}
	var rows []row
	withQueries := strings.Contains(queries.Title, o.only) || strings.HasPrefix(o.only, queries.Title)
	withPages := strings.Contains(np.Name(), o.only)
	wanted := slices.DeleteFunc(measures(n), func(m measure) bool { return !strings.Contains(m.name, o.only) })
	if len(wanted) == 0 && !withQueries && !withPages {
		return noTable(o.only)
	}
	for _, m := range wanted {
		r, err := m.take(ctx, l, n.rounds)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		rows = append(rows, r.rows()...)
		if m.even > 0 {
			rows = append(rows, r.uneven().rows()...)
		}
	}
	if withQueries {
		results, err := queries.Measure(ctx, l, single, q)
		if err != nil {
			return fmt.Errorf("queries: %w", err)
		}
		for _, r := range results {
			rows = append(rows, resultOf(r).rows()...)
		}
	}
	if withPages {
		results, err := pageResults(ctx, l, np)
		if err != nil {
			return fmt.Errorf("pages: %w", err)
		}
		for _, r := range results {
			rows = append(rows, r.rows()...)
		}
	}
	write := writeTable
	if o.json {
		write = writeJSON
	}
	if err := write(os.Stdout, rows); err != nil || o.check == 0 {
		return err
	}
	return check(rows, o.check)
}

// resultOf returns a measurement of queries.
func resultOf(q queries.Result) result {
	r := result{measure: measure{name: q.Name, unit: q.Unit, kinds: q.Kinds}}
	for _, costs := range q.Costs {
		var samples []sample
		for _, c := range costs {
			samples = append(samples, sample{Cost: c})
		}
		r.samples = append(r.samples, samples)
	}
	for _, b := range q.Bars {
		r.bars = append(r.bars, bar{b.Kind, b.Against, b.Limit})
	}
	return r
}

// pageResults measures the loads of a page, as two tables.
func pageResults(ctx context.Context, l server.Launcher, n pages.Sizes) ([]result, error) {
	wall := result{measure: measure{name: n.Name(), unit: "ms per load"}}
	cpu := result{measure: measure{name: n.Name() + ": CPU of all nodes", unit: "ms per load"}}
	for _, k := range []server.Kind{single, spread, triple} {
		loads, err := pages.Measure(ctx, l, k, n)
		if err != nil {
			return nil, err
		}
		wall.add(k, loads.Wall)
		cpu.add(k, loads.CPU)
		wall.bars = append(wall.bars, bar{k, server.Kind{}, pages.Limit})
	}
	return []result{wall, cpu}, nil
}

// add adds the costs of a kind.
func (r *result) add(k server.Kind, costs []float64) {
	var samples []sample
	for _, c := range costs {
		samples = append(samples, sample{Cost: c})
	}
	r.kinds, r.samples = append(r.kinds, k), append(r.samples, samples)
}

// noTable is the error for a text that no title contains.
func noTable(text string) error { return fmt.Errorf("no table has %q in its title", text) }

// take takes a measurement: in each round, each kind of server has one run.
func (m measure) take(ctx context.Context, l server.Launcher, rounds int) (result, error) {
	r := result{m, make([][]sample, len(m.kinds))}
	for round := range rounds {
		for i, k := range m.kinds {
			s, err := m.once(ctx, l, k, round)
			if err != nil {
				return r, err
			}
			r.samples[i] = append(r.samples[i], s)
			cost := number(s.Cost) + " " + m.unit
			fmt.Fprintf(os.Stderr, "%s: run %d of %d: %s: %s", m.name, round+1, rounds, k.Name, cost)
			if s.refused > 0 {
				fmt.Fprintf(os.Stderr, ", %d answers had the status 503", s.refused)
			}
			fmt.Fprintln(os.Stderr)
		}
	}
	return r, nil
}

// once measures one kind in a new server. Each round has another hour, because the placement of an hour is random.
func (m measure) once(ctx context.Context, l server.Launcher, k server.Kind, round int) (_ sample, err error) {
	s, err := l.Start(ctx, k, m.env...)
	if err != nil {
		return sample{}, err
	}
	defer func() { err = errors.Join(err, s.End()) }()
	s.Hour += flow.Hour(round)
	got, err := m.run(ctx, s)
	if err != nil {
		err = fmt.Errorf("%s: %w", k.Name, err)
	}
	return got, err
}
