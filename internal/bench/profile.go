package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"flowring/internal/bench/server"
)

// profiled are the sizes for profiles of about a thousand samples.
var profiled = sizes{bodies: 10_000, smallPosts: 120_000, read: 200_000, reads: 100}

// profile writes the CPU profile of each node of a single node and of clusters, for each kind of load. It prints the
// shares of the parts of the program in the profile of the single node.
func profile(ctx context.Context, l server.Launcher, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	all := measures(profiled)
	for i, m := range all[:len(all)-1] { // the last one measures memory
		for k, of := range []server.Kind{single, triple, sliced} {
			if !slices.Contains(m.kinds, of) {
				continue
			}
			l.Profile = filepath.Join(dir, fmt.Sprintf("%d-%d", i+1, k+1))
			s, err := m.once(ctx, l, of, 0)
			if err != nil {
				return fmt.Errorf("profile %s: %w", m.name, err)
			}
			fmt.Fprintf(os.Stderr, "%s: %s: %s: %s %s\n", l.Profile, m.name, of.Name, number(s.Cost), m.unit)
			if of != single {
				continue
			}
			if err := printShares(ctx, m.name, l.ProfileOf(0)); err != nil {
				return err
			}
		}
	}
	return nil
}

// printShares prints the shares of the parts of the program in a profile.
func printShares(ctx context.Context, name, profile string) error {
	traces, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-traces", profile).Output()
	if err != nil {
		return fmt.Errorf("go tool pprof %s: %w", profile, err)
	}
	fmt.Printf("\n%s\n", name)
	return writeShares(os.Stdout, shares(traces))
}

// areas are the parts of the program by the prefixes of their functions. A sample belongs to the area of the innermost
// function with an area. Work of the runtime, such as an allocation, therefore belongs to the area of its caller.
var areas = []struct{ prefix, area string }{
	{"runtime.gc", "garbage collection"},
	{"gcWriteBarrier", "garbage collection"},
	{"runtime.bgs", "garbage collection"},
	{"runtime.newstack", "growing stacks"},
	{"runtime.mcall", "scheduling"},
	{"runtime.mstart", "scheduling"},
	{"runtime.ready", "scheduling"},
	{"flowring/flow/scan.(*nameTable)", "flow: names"},
	{"flowring/flow/scan.(*Table)", "flow: add up"},
	{"flowring/flow.(*PostingBuilder)", "flow: add up"},
	{"flowring/flow/scan.(*Scanner)", "flow: scan JSON"},
	{"flowring/flow.(*Posting).Identify", "flow: identify"},
	{"flowring/flow.(*Batch)", "flow: encode"},
	{"flowring/flow.(*Appender)", "flow: write JSON"},
	{"flowring/flow.ParseBatch", "flow: parse batches"},
	{"flowring/flow", flowOther},
	{"flowring/store/journal.", "journal, Pebble"},
	{"github.com/cockroachdb/", "journal, Pebble"},
	{"flowring/store", "store"},
	{"flowring/node", "node: placement, replication, answers"},
	{"flowring/router", "router"},
	{"github.com/gorilla/mux.", "router"},
	{"github.com/hashicorp/", "gossip"},
	{"net/http.", "HTTP, sockets"},
}

// flowOther is the area of small functions of package flow. If another area of flow calls one, the sample belongs to
// the caller.
const flowOther = "flow: other"

// areaOf returns the area of a stack, innermost function first.
func areaOf(stack []string) string {
	small := false
	for _, function := range stack {
		switch area := areaOfFunction(function); {
		case area == flowOther:
			small = true
		case area != "" && small && !strings.HasPrefix(area, "flow: "):
			return flowOther
		case area != "":
			return area
		}
	}
	if small {
		return flowOther
	}
	return "other"
}

// areaOfFunction returns the area of a function; empty if it has none.
func areaOfFunction(name string) string {
	for _, a := range areas {
		if strings.HasPrefix(name, a.prefix) {
			return a.area
		}
	}
	return ""
}

// shares adds up the output of `go tool pprof -traces` by area. The output has stacks between rules; the first line of
// a stack has its time.
func shares(traces []byte) map[string]time.Duration {
	all := make(map[string]time.Duration)
	var stack []string
	var spent time.Duration
	flush := func() {
		if spent > 0 {
			all[areaOf(stack)] += spent
		}
		stack, spent = nil, 0
	}
	lines := bufio.NewScanner(bytes.NewReader(traces))
	for lines.Scan() {
		text := strings.TrimSpace(lines.Text())
		first, function, _ := strings.Cut(text, " ")
		switch {
		case strings.HasPrefix(text, "-----"):
			flush()
		case spent > 0:
			stack = append(stack, text)
		default: // a label or a line of the header does not begin with a time
			spent, _ = time.ParseDuration(first)
			stack = []string{strings.TrimSpace(function)}
		}
	}
	flush()
	return all
}

// writeShares writes the areas, the largest one first.
func writeShares(w io.Writer, all map[string]time.Duration) error {
	var names []string
	var sum time.Duration
	for name, d := range all {
		names = append(names, name)
		sum += d
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(all[b], all[a]), cmp.Compare(a, b)) })
	tabs := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, name := range names {
		fmt.Fprintf(tabs, "%4.1f %%\t%s\n", 100*float64(all[name])/float64(sum), name)
	}
	return tabs.Flush()
}
