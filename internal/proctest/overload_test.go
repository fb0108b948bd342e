//go:build linux

package proctest

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	loadgen "flowring/internal/load" // load is the type of checking clients
)

// overloadBars are the bars for overload. A long run is a benchmark: its bars need an idle machine. Goodput is per CPU
// second, which other processes hardly change.
type overloadBars struct {
	moderate, flood time.Duration
	goodput         float64       // least ratio to the best goodput per CPU second of the node
	p99             time.Duration // of stored posts; the contract allows 4 s after the last byte; 0: no bar
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
	floodWait     = time.Second // with the default, 2 s, a fast machine could serve all connections in time
)

// TestTenTimesTheLoadThatItCanTake loads a node as fast as it answers. Then ten times as many posts are due, on many
// connections, and the clients ignore Retry-After. The node must store nearly as many posts as before, in bounded time
// and memory, and recover within 5 s (P12).
//
// The node and the clients share this machine. Goodput is posts per CPU second of the node, which other processes do
// not change.
func TestTenTimesTheLoadThatItCanTake(t *testing.T) {
	bars := barsOfOverload()
	c := newCluster(t, 1, 1)
	p := c.nodes[0]
	p.in = []string{"env", "GOMAXPROCS=1"} // the clients use the other core
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
		t.Errorf("p99 of stored posts under overload = %v, want at most %v", over.p99, bars.p99)
	}
	if long() && after.refused > 0 || after.perCPU < bars.goodput*best.perCPU {
		t.Errorf("afterwards %d posts were refused, and goodput is %.2f of the best", after.refused, after.perCPU/best.perCPU)
	}
	if peak := f.peak(); peak > memoryLimit {
		t.Errorf("the node had %d MiB at most, want %d", peak>>20, memoryLimit>>20)
	}
}

// flood makes load. It is the load.Posts of a run: bodies that were made before, because making load must cost much
// less than taking it.
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

// Records implements loadgen.Posts.
func (f *flood) Records() int { return floodRecords }

// Append implements loadgen.Posts.
func (f *flood) Append(dst []byte, n int64) []byte {
	return append(dst, f.bodies[n%int64(len(f.bodies))]...)
}

// measured is the result of a run.
type measured struct {
	perSecond, perCPU float64 // stored posts
	refused           int64
	p99               time.Duration // of stored posts, from the first byte to the answer
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
	warm := time.Now().Add(time.Second) // all connections are open by then
	runner := loadgen.NewRunner(f, plan, func(ctx context.Context, post loadgen.Post) loadgen.Answer {
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

// cpu returns the CPU time of the node: fields 14 and 15 of proc_pid_stat(5), in hundredths of a second.
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

// peak returns the peak memory of the node in bytes.
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
