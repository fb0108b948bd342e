package main

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"flowring/cmd/flowring/access"
	"flowring/cmd/flowring/bench"
	"flowring/cmd/flowring/output"
	"flowring/cmd/flowring/settings"
	"flowring/internal/load"
	"flowring/router"
	"flowring/router/client"
)

const aboutBench = `Make load for a cluster, and print how it takes it.

The posts are of random flows, with Zipf's law if asked for, and the same in every run with
the same flags; each is of one hour. THEY ARE STORED LIKE ANY OTHERS, and nothing removes
them: their VPCs are named bench-0, bench-1 and so on. That is why a node that is not on
this machine is loaded only with --allow-remote.

Without --rate each connection sends a post as soon as its last one is answered. With it
posts are due at fixed times, and latency counts from then, even when no connection was
free: a cluster that stands still for a while shows in the percentiles. Numbers may end with
k, M or G: --rate 50k is 50,000 records a second.

A post that failed for the moment is tried again with the same key, on the next node, as
'flowring post' does, until --timeout has passed; its latency is that of all attempts.

--verify reads the hours back and holds each flow's bytes against what was sent. It uses
VPCs with names of their own.

Ctrl-C ends the run, and prints what was done by then. Exit codes: 0 all was stored; 1 a
post was refused, a read failed or the totals are wrong; 2 wrong usage; 3 no node could
store a post in time.`

const examplesBench = `  flowring bench
  flowring bench --connections 64 --records 5 --duration 1m
  flowring bench --rate 200000 --flows 1000000 --zipf 1.1 --hours 24 --readers 2
  flowring bench --posts 1000 --verify --target 127.0.0.1:8081 --target 127.0.0.1:8082`

// The limits of what can be asked for: a slip of the keyboard must not fill the memory.
const (
	maxConnections = 10_000
	maxRecords     = 100_000
	maxFlows       = 1 << 24
	maxHours       = 1_000_000
	maxSkew        = 10
)

// preflight bounds how long each node is asked whether it is there.
const preflight = 3 * time.Second

// benchmark holds the flags of bench.
type benchmark struct {
	bench.Bench
	hour        string
	allowRemote bool
}

func newBench() *cobra.Command {
	b := benchmark{Bench: bench.Bench{Shape: load.Shape{Records: 1000, Flows: 10_000, VPCs: 10, Hours: 1}, Plan: load.Plan{Connections: 16}}}
	var format format
	cmd := &cobra.Command{
		Use: "bench [FLAGS]", Short: "Make load, and print how it is taken", Long: aboutBench, Example: examplesBench,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return b.run(cmd, format.of(cmd)) },
	}
	addAccess(cmd, &b.Access, 30*time.Second)
	b.addLoadFlags(cmd)
	b.addOtherFlags(cmd)
	format = newFormat(cmd, output.FormatTable, output.FormatJSON)
	mustRegister(cmd, "hour", cobra.FixedCompletions([]string{"now", "now-1"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// addLoadFlags gives cmd the flags that say what load to make.
func (b *benchmark) addLoadFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	settings.QuantityVar(f, &b.Plan.Connections, "connections", "`number` of posts under way at once")
	settings.QuantityVar(f, &b.Shape.Records, "records", "`number` of records in each post")
	f.DurationVar(&b.Plan.Duration, "duration", 0, "for how long posts are begun (default: 10s, or without end with --posts)")
	settings.QuantityVar(f, &b.Plan.Posts, "posts", "`number` of posts in all (default: no limit)")
	settings.QuantityVar(f, &b.Rate, "rate", "`number` of records that are due in a second (default: as fast as answers come)")
	settings.QuantityVar(f, &b.Shape.Flows, "flows", "`number` of distinct flows in each hour")
	f.Float64Var(&b.Shape.Zipf, "zipf", 0, "`skew` of the flows: the i-th is in proportion to 1/i^skew; 0: all alike")
	settings.QuantityVar(f, &b.Shape.VPCs, "vpcs", "`number` of distinct VPCs")
	settings.QuantityVar(f, &b.Shape.Hours, "hours", "`number` of distinct hours, of which one is drawn for each post")
	f.StringVar(&b.hour, "hour", "now", "the last of the `hours`, as for get")
	f.BoolVar(&b.NoKeys, "no-keys", false, "send no idempotency keys, and never try again: what is unknown stays so")
	f.Uint64Var(&b.Shape.Seed, "seed", 1, "`number` that all random choices follow from")
	for _, name := range []string{"connections", "records", "duration", "posts", "rate", "flows", "zipf", "vpcs", "hours", "seed"} {
		mustRegister(cmd, name, cobra.NoFileCompletions)
	}
}

// addOtherFlags gives cmd the flags that say what else to do.
func (b *benchmark) addOtherFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	settings.QuantityVar(f, &b.Readers, "readers", "`number` of connections that read the hours meanwhile")
	f.DurationVar(&b.ReadEvery, "read-every", 0, "how often each of them begins a read, at most (default: after each answer)")
	f.BoolVar(&b.Verify, "verify", false, "read all back in the end, and compare it with what was sent")
	f.BoolVar(&b.allowRemote, "allow-remote", false, "load nodes that are not on this machine")
	f.BoolVar(&b.Progress, "progress", false, "print a line each second (default: when stderr is a terminal)")
	mustRegister(cmd, "readers", cobra.NoFileCompletions)
	mustRegister(cmd, "read-every", cobra.NoFileCompletions)
}

// run checks the flags, sees who is there, and makes the load.
func (b *benchmark) run(cmd *cobra.Command, format string) error {
	if err := b.complete(cmd, time.Now()); err != nil {
		return err
	}
	b.Stderr = cmd.ErrOrStderr()
	targets, err := b.Access.URLs(os.Getenv(settings.TargetVariable))
	if err != nil {
		return usageError{err}
	}
	if err := b.mayLoad(targets); err != nil {
		return err
	}
	view, err := b.present(cmd, targets)
	if err != nil {
		return err
	}
	result, err := b.Run(cmd.Context(), targets)
	if result == nil {
		return err
	}
	if format == output.FormatJSON {
		text, jsonErr := json.Marshal(result, json.Deterministic(true), jsontext.WithIndent("  "))
		fmt.Fprintf(cmd.OutOrStdout(), "%s\n", text)
		return cmp.Or(err, jsonErr)
	}
	return cmp.Or(err, b.Print(cmd.OutOrStdout(), view, result))
}

// complete checks the flags and fills in what follows from them.
func (b *benchmark) complete(cmd *cobra.Command, now time.Time) error {
	for _, f := range []struct {
		name        string
		value       float64
		least, most float64
	}{
		{"connections", float64(b.Plan.Connections), 1, maxConnections},
		{"records", float64(b.Shape.Records), 1, maxRecords},
		{"posts", float64(b.Plan.Posts), 0, 1e15},
		{"duration", b.Plan.Duration.Seconds(), 0, 1e9},
		{"rate", b.Rate, 0, 1e12},
		{"flows", float64(b.Shape.Flows), 1, maxFlows},
		{"zipf", b.Shape.Zipf, 0, maxSkew},
		{"vpcs", float64(b.Shape.VPCs), 1, maxFlows},
		{"hours", float64(b.Shape.Hours), 1, maxHours},
		{"readers", float64(b.Readers), 0, maxConnections},
		{"read-every", b.ReadEvery.Seconds(), 0, 1e9},
	} {
		if !(f.value >= f.least && f.value <= f.most) {
			return usage("--%s: %s is not from %.0f to %.0f", f.name, cmd.Flags().Lookup(f.name).Value, f.least, f.most)
		}
	}
	if b.Verify && b.NoKeys {
		return usage("--verify needs keys: without them a post may count twice")
	}
	hour, err := parseHour(b.hour, now)
	if err != nil {
		return usage("--hour: %w", err)
	}
	b.Shape.Newest, b.Shape.VPC = hour, "bench"
	b.Plan.Rate = b.Rate / float64(b.Shape.Records)
	if b.Plan.Duration == 0 && b.Plan.Posts == 0 {
		b.Plan.Duration = 10 * time.Second
	}
	b.Progress = b.Progress || output.Terminal(cmd.ErrOrStderr())
	return nil
}

// mayLoad refuses nodes on other machines, unless that is meant: what is posted there stays there.
func (b *benchmark) mayLoad(targets []string) error {
	for _, target := range targets {
		u, err := url.Parse(target)
		if err != nil || b.allowRemote || loopback(u.Hostname()) {
			continue // what is no URL is refused where it is used
		}
		return usage("%s is not on this machine, and what is posted there stays: if it is meant, say --allow-remote",
			client.Shown(target))
	}
	return nil
}

// loopback reports whether a host is this machine by its very name. Other names are not looked up: they may change.
func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}

// present makes sure that each target is a node that answers, and returns what the last one says of the cluster.
func (b *benchmark) present(cmd *cobra.Command, targets []string) (view router.MembersView, err error) {
	if len(targets) == 0 {
		return view, usage("no targets")
	}
	for _, target := range targets {
		a := access.Access{Timeout: preflight, Credentials: b.Access.Credentials}
		c, err := a.ClientOf([]string{target}, cmd.ErrOrStderr())
		if err != nil {
			return view, err
		}
		asked, _, cancel := a.Bound(cmd.Context())
		view, err = a.Members(asked, c)
		cancel()
		c.Close()
		if err != nil {
			return view, fmt.Errorf("before the load: %w", err)
		}
	}
	return view, nil
}
