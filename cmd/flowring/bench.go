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
	"flowring/cmd/flowring/ask"
	"flowring/cmd/flowring/bench"
	"flowring/cmd/flowring/output"
	"flowring/cmd/flowring/settings"
	"flowring/internal/load"
	"flowring/router"
	"flowring/router/client"
)

// The limits of the flags. A typing error must not fill the memory.
const (
	maxConnections = 10_000
	maxRecords     = 100_000
	maxFlows       = 1 << 24
	maxHours       = 1_000_000
	maxSkew        = 10
)

// preflight is the limit for the first answer of each node.
const preflight = 3 * time.Second

// benchmark holds the flags of bench.
type benchmark struct {
	bench.Bench
	hour        string
	allowRemote bool
}

func newBench() *cobra.Command {
	b := benchmark{Bench: bench.Bench{
		Shape: load.Shape{Records: 1000, Flows: 10_000, VPCs: 10, Hours: 1}, Plan: load.Plan{Connections: 16},
	}}
	var format format
	cmd := &cobra.Command{
		Use: "bench [FLAGS]", Short: "Make load for a cluster, and measure it", Long: bench.About,
		Example: bench.Examples, Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return b.run(cmd, format.of(cmd)) },
	}
	addAccess(cmd, &b.Access, 30*time.Second)
	b.addLoadFlags(cmd)
	b.addOtherFlags(cmd)
	format = newFormat(cmd, output.FormatTable, output.FormatJSON)
	mustRegister(cmd, "hour", cobra.FixedCompletions([]string{"now", "now-1"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// addLoadFlags adds the flags for the load to cmd.
func (b *benchmark) addLoadFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	settings.QuantityVar(f, &b.Plan.Connections, "connections", "`number` of posts in progress at once")
	settings.QuantityVar(f, &b.Shape.Records, "records", "`number` of records in each post")
	f.DurationVar(&b.Plan.Duration, "duration", 0,
		"time after which no post begins (default: 10s; no limit with --posts)")
	settings.QuantityVar(f, &b.Plan.Posts, "posts", "total `number` of posts (default: no limit)")
	settings.QuantityVar(f, &b.Rate, "rate",
		"`number` of records that are due per second (default: as fast as answers come)")
	settings.QuantityVar(f, &b.Shape.Flows, "flows", "`number` of distinct flows in each hour")
	f.Float64Var(&b.Shape.Zipf, "zipf", 0, "`skew` of the flows: flow i is in proportion to 1/i^skew; 0: no skew")
	settings.QuantityVar(f, &b.Shape.VPCs, "vpcs", "`number` of distinct VPCs")
	settings.QuantityVar(f, &b.Shape.Hours, "hours", "`number` of distinct hours; each post has a random one")
	f.StringVar(&b.hour, "hour", "now", "last of the `hours`, in the form of get")
	f.BoolVar(&b.NoKeys, "no-keys", false, "send no idempotency keys and never retry: an unknown outcome stays unknown")
	f.Uint64Var(&b.Shape.Seed, "seed", 1, "`number` that decides all random choices")
	names := []string{"connections", "records", "duration", "posts", "rate", "flows", "zipf", "vpcs", "hours", "seed"}
	for _, name := range names {
		mustRegister(cmd, name, cobra.NoFileCompletions)
	}
}

// addOtherFlags adds the other flags to cmd.
func (b *benchmark) addOtherFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	settings.QuantityVar(f, &b.Readers, "readers", "`number` of connections that read the hours during the run")
	f.DurationVar(&b.ReadEvery, "read-every", 0, "least time between the starts of two reads (default: none)")
	f.BoolVar(&b.Verify, "verify", false, "read all hours back at the end, and compare them with the posts")
	f.BoolVar(&b.allowRemote, "allow-remote", false, "load nodes on other machines")
	f.BoolVar(&b.Progress, "progress", false, "print a line each second (default: if stderr is a terminal)")
	mustRegister(cmd, "readers", cobra.NoFileCompletions)
	mustRegister(cmd, "read-every", cobra.NoFileCompletions)
}

// run checks the flags and the nodes, and makes the load.
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

// complete checks the flags and computes the other fields.
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
		return usage("--verify needs keys, because a post without a key may count twice")
	}
	hour, err := ask.ParseHour(b.hour, now)
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

// mayLoad refuses nodes on other machines without --allow-remote, because posted records stay there.
func (b *benchmark) mayLoad(targets []string) error {
	for _, target := range targets {
		u, err := url.Parse(target)
		if err != nil || b.allowRemote || loopback(u.Hostname()) {
			continue // the client refuses an invalid URL
		}
		return usage("%s is not on this machine, and posted records stay there: use --allow-remote to load it",
			client.Shown(target))
	}
	return nil
}

// loopback reports whether the name of a host always means this machine. Other names are not resolved, because they may
// change.
func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}

// present makes sure that each target answers, and returns the members in the view of the last one.
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
