package bench

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"flowring/cmd/flowring/access"
	"flowring/cmd/flowring/output"
	"flowring/cmd/flowring/records"
	"flowring/flow"
	"flowring/internal/contract"
	"flowring/internal/load"
	"flowring/router/client"
)

// Bench is one run of the load generator.
type Bench struct {
	Access    access.Access
	Shape     load.Shape
	Plan      load.Plan
	Rate      float64 // records that are due in a second; 0: as fast as answers come
	NoKeys    bool    // send no idempotency keys
	Verify    bool    // read all hours back at the end
	Progress  bool    // print a line each second
	Readers   int     // connections that read hours during the run
	ReadEvery time.Duration
	Stderr    io.Writer // for notes and progress
}

// Run makes the load and verifies it with Verify. After any load there is a result; the error has the failures.
func (b *Bench) Run(ctx context.Context, targets []string) (*load.Result, error) {
	run := strings.ToLower(rand.Text()[:10]) // no other run has these keys, nor these VPCs with Verify
	if b.Verify {
		b.Shape.VPC += "-" + run
	}
	generator := load.NewGenerator(b.Shape)
	sample := generator.Append(nil, 0)
	header, roots, err := b.Access.Credentials.Load()
	if err != nil {
		return nil, access.Error{Err: err}
	}
	to := load.Access{
		Targets: targets, Connections: b.Plan.Connections + b.Readers, Timeout: b.Access.Timeout,
		BodySize: len(sample), Header: header, TLS: roots,
	}
	if !b.NoKeys {
		to.Key = "bench-" + run
	}
	sender, err := load.NewSender(to)
	if err != nil {
		return nil, access.Error{Err: err}
	}
	defer sender.Close()
	runner := load.NewRunner(generator, b.Plan, sender.Post, b.Verify)
	readers := &load.Readers{
		Get: sender.Get, Number: b.Readers, Every: b.ReadEvery, Newest: b.Shape.Newest, Hours: b.Shape.Hours,
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // the load keeps little, and collections would slow it down
	cpu := load.CPU()
	b.runAll(ctx, runner, readers, sender.Traffic)
	result := runner.Result(sender.Traffic)
	result.CPUSeconds = (load.CPU() - cpu).Seconds()
	if b.Readers > 0 {
		result.Reads = readers.Result()
	}
	return result, errors.Join(failed(result, runner, readers), b.verified(ctx, targets, generator, runner, result))
}

// runAll runs the load, and meanwhile the readers and the progress line.
func (b *Bench) runAll(ctx context.Context, runner *load.Runner, readers *load.Readers, traffic *load.Traffic) {
	meanwhile, end := context.WithCancel(ctx)
	var others sync.WaitGroup
	others.Go(func() { readers.Run(meanwhile) })
	if b.Progress {
		p := &progress{stderr: b.Stderr, tally: &runner.Tally, traffic: traffic, line: output.Terminal(b.Stderr)}
		others.Go(func() { p.run(meanwhile) })
	}
	runner.Run(ctx)
	end()
	others.Wait()
	if ctx.Err() != nil {
		fmt.Fprintln(b.Stderr, "flowring: note: ended early:", context.Cause(ctx))
	}
}

// failed returns the failed posts and reads as an error, or nil.
func failed(result *load.Result, runner *load.Runner, readers *load.Readers) error {
	var errs []error
	if n := result.Refused + result.Unknown; n > 0 {
		errs = append(errs, fmt.Errorf("%s failed, the first: %w", output.Many(n, "post"), runner.FirstError()))
	}
	if result.Reads != nil && result.Reads.Failed > 0 {
		failed := output.Many(result.Reads.Failed, "read")
		errs = append(errs, fmt.Errorf("%s failed, the first: %w", failed, readers.FirstError()))
	}
	return errors.Join(errs...)
}

// verified reads the hours of the posts back and compares the totals. It goes on after a first interrupt, because the
// load so far should be verified.
func (b *Bench) verified(
	ctx context.Context, targets []string, g *load.Generator, r *load.Runner, result *load.Result,
) error {
	if !b.Verify {
		return nil
	}
	c, err := b.Access.ClientOf(targets, b.Stderr)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx = context.WithoutCancel(ctx)
	v := &load.Verified{}
	byHour := g.ByHour(r.Taken())
	for _, hour := range slices.Sorted(maps.Keys(byHour)) {
		e := g.Expect(byHour[hour], r.Outcome)
		if err := b.readBack(ctx, c, hour, e); err != nil {
			return fmt.Errorf("verify hour %d: %w", hour, err)
		}
		e.Finish()
		v.Hours, v.Flows, v.Wrong, v.First = v.Hours+1, v.Flows+e.Flows, v.Wrong+e.Wrong, cmp.Or(v.First, e.First)
	}
	result.Verified = v
	if v.Wrong > 0 {
		return fmt.Errorf("verify: %s with wrong totals, the first: %s", output.Many(v.Wrong, "flow"), v.First)
	}
	return nil
}

// readBack compares an hour with e. It fails without a complete read (P4).
func (b *Bench) readBack(parent context.Context, c *client.Client, hour flow.Hour, e *load.Expectation) error {
	ctx, answered, cancel := b.Access.Bound(parent)
	defer cancel()
	answer, err := b.Access.Get(ctx, c, hour, contract.NeedComplete)
	answered()
	if err != nil {
		return err
	}
	defer answer.Close()
	return records.Each(answer, func(r flow.Record) error {
		e.Compare(r.Key, r.Totals)
		return nil
	})
}

// progress prints the progress of a run.
type progress struct {
	stderr  io.Writer
	tally   *load.Tally
	traffic *load.Traffic
	line    bool // each line overwrites the last one, as on a terminal

	start, last time.Time
	records     int64
	posts       int64
	latency     *load.Counts
}

// run prints a line each second until ctx ends.
func (p *progress) run(ctx context.Context) {
	p.start = time.Now()
	p.last, p.latency = p.start, p.tally.Latency.Counts()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.print(time.Now())
		case <-ctx.Done():
			if p.line {
				fmt.Fprintln(p.stderr)
			}
			return
		}
	}
}

// print prints the figures of the time since the last line.
func (p *progress) print(now time.Time) {
	records, posts, latency := p.tally.Records.Load(), p.tally.Stored.Load(), p.tally.Latency.Counts()
	lately, seconds := latency.Since(p.latency), now.Sub(p.last).Seconds()
	var failures int64
	for _, f := range p.traffic.Failures() {
		failures += f.Count
	}
	text := fmt.Sprintf("%4.0fs %10s records/s %8s posts/s   p50 %s   p99 %s   %s", now.Sub(p.start).Seconds(),
		output.Grouped(float64(records-p.records)/seconds), output.Grouped(float64(posts-p.posts)/seconds),
		millis(lately.Quantile(.5)), millis(lately.Quantile(.99)), output.Many(failures, "error"))
	if p.line {
		fmt.Fprintf(p.stderr, "\r%-100s", text)
	} else {
		fmt.Fprintln(p.stderr, text)
	}
	p.last, p.records, p.posts, p.latency = now, records, posts, latency
}

func millis(d time.Duration) string { return output.Millis(float64(d) / float64(time.Millisecond)) }
