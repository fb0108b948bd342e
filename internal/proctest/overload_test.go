//go:build linux

package proctest

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	loadgen "flowring/internal/load" // load is the name of clients that check what they read
)

// What overload may do. The bars of a long run, which is a benchmark, need a machine that nobody else uses; goodput is in processor time,
// which others on the machine change little.
type overloadBars struct {
	moderate, flood time.Duration
	goodput         float64       // of the best, for each CPU second of the node
	p99             time.Duration // of the posts that were taken: 4 s from the last byte on, by the contract; 0: no bar
}

func barsOfOverload() overloadBars {
	if long() {
		return overloadBars{moderate: 10 * time.Second, flood: 60 * time.Second, goodput: 0.8, p99: 5 * time.Second}
	}
	return overloadBars{moderate: 2 * time.Second, flood: 4 * time.Second, goodput: 0.25}
}

const (
	memoryLimit   = 512 << 20
	floodFactor   = 10
	floodRecords  = 1000
	floodConns    = 3000
	moderateConns = 8
	floodWait     = time.Second // by the default, 2 s, a fast machine would have time for all connections
)

// TestTenTimesTheLoadThatItCanTake drives a node as fast as it answers. Then ten times as many posts are due, and sent on many
// connections, each as soon as it has its answer: no client heeds Retry-After. The node must go on taking nearly as much, in bounded time and
// memory, and be as before within 5 s (P12).
//
// Node and clients share this machine: goodput is what each CPU second of the node is worth, which does not depend on who else computes.
func TestTenTimesTheLoadThatItCanTake(t *testing.T) {
	bars := barsOfOverload()
	c := newCluster(t, 1, 1)
	p := c.nodes[0]
	p.in = []string{"env", "GOMAXPROCS=1"} // the other core is for the clients
	p.args = append(p.args, "--memory-limit", strconv.Itoa(memoryLimit), "--max-wait", floodWait.String())
	c.start()
	f := newFlood(t, p)
	best := f.run("as fast as it answers", loadgen.Plan{Connections: moderateConns, Duration: bars.moderate})
	over := f.run("ten times that", loadgen.Plan{Connections: floodConns, Duration: bars.flood, Rate: floodFactor * best.perSecond})
	pause(time.Second)
	after := f.run("a second later", loadgen.Plan{Connections: moderateConns, Duration: bars.moderate})

	ratio := 2 * over.perCPU / (best.perCPU + after.perCPU) // the machine may have become slower meanwhile
	t.Logf("goodput under overload is %.2f of that without", ratio)
	if ratio < bars.goodput {
		t.Errorf("goodput under overload is %.2f of that without, want %.2f", ratio, bars.goodput)
	}
	if long() && over.refused == 0 && over.perSecond*floodWait.Seconds() < floodConns {
		t.Error("nothing was refused, though not all connections can have had their turn in time")
	}
	if bars.p99 > 0 && over.p99 > bars.p99 {
		t.Errorf("p99 of what was taken under overload = %v, want %v at most", over.p99, bars.p99)
	}
	if long() && after.refused > 0 || after.perCPU < bars.goodput*best.perCPU {
		t.Errorf("afterwards %d posts were refused, and goodput is %.2f of the best", after.refused, after.perCPU/best.perCPU)
	}
	if peak := f.peak(); peak > memoryLimit {
		t.Errorf("the node had %d MiB at most, want %d", peak>>20, memoryLimit>>20)
	}
}

// flood makes load of bodies made beforehand: that must cost much less than taking it.
type flood struct {
	t      *testing.T
	p      *process
	bodies [][]byte
}

func newFlood(t *testing.T, p *process) *flood {
	f := &flood{t: t, p: p}
	g := loadgen.NewGenerator(loadgen.Shape{Records: floodRecords, Flows: 10_000, Zipf: 1, VPCs: 10, VPC: "flood", Newest: 500, Hours: 1, Seed: 1})
	for n := range int64(64) {
		body := g.Append(nil, n)
		f.bodies = append(f.bodies, body)
	}
	return f
}

// measured is what came of a run.
type measured struct {
	perSecond, perCPU float64 // posts taken
	refused           int64
	p99               time.Duration // from the first byte to the answer, of those
}

func (f *flood) run(what string, plan loadgen.Plan) measured {
	f.t.Helper()
	sender, err := loadgen.NewSender(loadgen.Access{Targets: []string{f.p.url()}, Connections: plan.Connections, Timeout: patience,
		BodySize: len(f.bodies[0])})
	if err != nil {
		f.t.Fatal(err)
	}
	defer sender.Close()
	var taken loadgen.Histogram
	var next atomic.Int64
	warm := time.Now().Add(time.Second) // all connections are made by then
	tick := loadgen.NewGenerator(loadgen.Shape{Records: 1, Flows: 1, VPCs: 1, VPC: "tick", Hours: 1})
	runner := loadgen.NewRunner(tick, plan, func(ctx context.Context, post loadgen.Post) loadgen.Answer {
		post.Body = f.bodies[next.Add(1)%int64(len(f.bodies))]
		begun := time.Now()
		a := sender.Post(ctx, post)
		if a.Outcome == loadgen.Stored && begun.After(warm) {
			taken.Add(time.Since(begun))
		}
		return a
	}, false)
	before := f.cpu()
	runner.Run(f.t.Context())
	used := f.cpu() - before
	r := runner.Result(sender.Traffic)
	m := measured{r.PostsPerSecond, float64(r.Posts) / used.Seconds(), r.Answers[http.StatusServiceUnavailable], taken.Counts().Quantile(.99)}
	f.t.Logf("%s: %.0f posts/s of %d records taken, %.0f in a CPU s of the node, which had %.2f; %d sent, answers %v, %d not sent, p99 %v, peak %d MiB",
		what, m.perSecond, floodRecords, m.perCPU, used.Seconds()/r.Seconds, sender.Traffic.Attempts(), r.Answers, r.Unsent, m.p99.Round(time.Millisecond), f.peak()>>20)
	for _, failure := range r.Failures {
		f.t.Logf("  %d of %s: %s", failure.Count, failure.Kind, failure.Example)
	}
	return m
}

// cpu returns the CPU time that the node has had: fields 14 and 15 of proc_pid_stat(5), in hundredths of a second.
func (f *flood) cpu() time.Duration {
	f.t.Helper()
	text := f.proc("stat")
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:]) // from field 3 on
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err1 != nil || err2 != nil {
		f.t.Fatalf("stat of %s: %s", f.p, text)
	}
	return time.Duration(user+system) * time.Second / 100
}

// peak returns how many bytes of memory the node had at most.
func (f *flood) peak() int64 {
	f.t.Helper()
	_, rest, _ := strings.Cut(f.proc("status"), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		f.t.Fatalf("status of %s: %v", f.p, err)
	}
	return kib << 10
}

func (f *flood) proc(file string) string {
	f.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", f.p.cmd.Process.Pid, file))
	if err != nil {
		f.t.Fatal(err)
	}
	return string(text)
}
