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

// profiled is as much as gives a profile of about a thousand samples.
var profiled = sizes{bodies: 10_000, smallPosts: 120_000, read: 200_000, reads: 100}

// profile writes CPU profiles of a single node and of clusters, of each node, for each kind of load, and prints which parts of the
// program take how much of a single node's.
func profile(ctx context.Context, l server.Launcher, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	all := measures(profiled)
	for i, m := range all[:len(all)-1] { // the last is of memory
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

// printShares prints which parts of the program take how much of a profile.
func printShares(ctx context.Context, name, profile string) error {
	traces, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-traces", profile).Output()
	if err != nil {
		return fmt.Errorf("go tool pprof %s: %w", profile, err)
	}
	fmt.Printf("\n%s\n", name)
	return writeShares(os.Stdout, shares(traces))
}

// areas are the parts of the program, by how the names of their functions begin. The first function of a stack, from the innermost
// on, that is of an area says to which the sample belongs; what the runtime does for one, such as to allocate, is that one's.
var areas = []struct{ prefix, area string }{
	{"runtime.gc", "garbage collection"},
	{"gcWriteBarrier", "garbage collection"},
	{"runtime.bgs", "garbage collection"},
	{"runtime.newstack", "growing stacks"},
	{"runtime.mcall", "scheduling"},
	{"runtime.mstart", "scheduling"},
	{"runtime.ready", "scheduling"},
	{"flowring/flow.(*nameTable)", "flow: names"},
	{"flowring/flow.(*builder)", "flow: add up"},
	{"flowring/flow.(*scanner)", "flow: scan JSON"},
	{"flowring/flow.(*Posting).Identify", "flow: identify"},
	{"flowring/flow.(*Batch)", "flow: encode"},
	{"flowring/flow.(*Appender)", "flow: write JSON"},
	{"flowring/flow.ParseBatch", "flow: parse batches"},
	{"flowring/flow.", flowOther},
	{"flowring/store/journal.", "journal, Pebble"},
	{"github.com/cockroachdb/", "journal, Pebble"},
	{"flowring/store.", "store"},
	{"flowring/node", "node: placement, replication, answers"},
	{"flowring/router.", "router"},
	{"github.com/gorilla/mux.", "router"},
	{"github.com/hashicorp/", "gossip"},
	{"net/http.", "HTTP, sockets"},
}

// flowOther is the area of small functions, which belong to that of package flow which called them, if there is one.
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

// areaOfFunction returns the area that a function's name belongs to, "" for none.
func areaOfFunction(name string) string {
	for _, a := range areas {
		if strings.HasPrefix(name, a.prefix) {
			return a.area
		}
	}
	return ""
}

// shares adds up by area what `go tool pprof -traces` prints: stacks between rules, the first line of each with its time.
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
		default: // a label or a line of the head has no time in front
			spent, _ = time.ParseDuration(first)
			stack = []string{strings.TrimSpace(function)}
		}
	}
	flush()
	return all
}

// writeShares writes the areas, the largest first.
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
