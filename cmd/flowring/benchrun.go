package main

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

	"github.com/spf13/cobra"

	"flowring/flow"
	"flowring/internal/load"
	"flowring/router"
	"flowring/router/client"
)

// load makes the load and, if asked to, verifies it. The result is there whenever there was any load; the error says what failed
// for good.
func (b *bench) load(cmd *cobra.Command, targets []string) (*load.Result, error) {
	run := strings.ToLower(rand.Text()[:10]) // no other run may use these keys, nor these VPCs when they are to be verified
	if b.verify {
		b.shape.VPC += "-" + run
	}
	generator := load.NewGenerator(b.shape)
	sample := generator.Append(nil, 0)
	header, roots, err := b.access.credentials.load()
	if err != nil {
		return nil, usageError{err}
	}
	access := load.Access{Targets: targets, Connections: b.plan.Connections + b.readers, Timeout: b.access.timeout, BodySize: len(sample),
		Header: header, TLS: roots}
	if !b.noKeys {
		access.Key = "bench-" + run
	}
	sender, err := load.NewSender(access)
	if err != nil {
		return nil, usageError{err}
	}
	defer sender.Close()
	runner := load.NewRunner(generator, b.plan, sender.Post, b.verify)
	readers := &load.Readers{Get: sender.Get, Number: b.readers, Every: b.readEvery, Newest: b.shape.Newest, Hours: b.shape.Hours}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // next to nothing is kept: collecting would take from the load
	cpu := load.CPU()
	b.runAll(cmd, runner, readers, sender.Traffic)
	result := runner.Result(sender.Traffic)
	result.CPUSeconds = (load.CPU() - cpu).Seconds()
	if b.readers > 0 {
		result.Reads = readers.Result()
	}
	return result, errors.Join(failed(result, runner, readers), b.verified(cmd, targets, generator, runner, result))
}

// runAll runs the load, the readers for as long, and the progress line.
func (b *bench) runAll(cmd *cobra.Command, runner *load.Runner, readers *load.Readers, traffic *load.Traffic) {
	meanwhile, end := context.WithCancel(cmd.Context())
	var others sync.WaitGroup
	others.Go(func() { readers.Run(meanwhile) })
	if b.progress {
		p := &benchProgress{stderr: cmd.ErrOrStderr(), tally: &runner.Tally, traffic: traffic, line: terminal(cmd.ErrOrStderr())}
		others.Go(func() { p.run(meanwhile) })
	}
	runner.Run(cmd.Context())
	end()
	others.Wait()
	if cmd.Context().Err() != nil {
		fmt.Fprintln(cmd.ErrOrStderr(), "flowring: note: ended early:", context.Cause(cmd.Context()))
	}
}

// failed returns the error for what could not be done, or nil.
func failed(result *load.Result, runner *load.Runner, readers *load.Readers) error {
	var errs []error
	if n := result.Refused + result.Unknown; n > 0 {
		errs = append(errs, fmt.Errorf("%d posts failed, the first: %w", n, runner.FirstError()))
	}
	if result.Reads != nil && result.Reads.Failed > 0 {
		errs = append(errs, fmt.Errorf("%d reads failed, the first: %w", result.Reads.Failed, readers.FirstError()))
	}
	return errors.Join(errs...)
}

// verified reads the hours that posts were of back. It goes on after an interrupt, as long as nobody interrupts again: what was done is to be checked.
func (b *bench) verified(cmd *cobra.Command, targets []string, g *load.Generator, r *load.Runner, result *load.Result) error {
	if !b.verify {
		return nil
	}
	c, err := b.access.clientOf(targets, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	defer c.Close()
	ctx := context.WithoutCancel(cmd.Context())
	v := &load.Verified{}
	byHour := g.ByHour(r.Taken())
	for _, hour := range slices.Sorted(maps.Keys(byHour)) {
		e := g.Expect(byHour[hour], r.Outcome)
		if err := b.readBack(ctx, c, hour, e); err != nil {
			return fmt.Errorf("verify hour %d: %w", hour, err)
		}
		e.Done()
		v.Hours, v.Flows, v.Wrong, v.First = v.Hours+1, v.Flows+e.Flows, v.Wrong+e.Wrong, cmp.Or(v.First, e.First)
	}
	result.Verified = v
	if v.Wrong > 0 {
		return fmt.Errorf("verify: %d flows are wrong, the first: %s", v.Wrong, v.First)
	}
	return nil
}

// readBack shows e an hour: all of it, or it fails (P4).
func (b *bench) readBack(parent context.Context, c *client.Client, hour flow.Hour, e *load.Expectation) error {
	ctx, answered, cancel := b.access.bound(parent)
	defer cancel()
	answer, err := b.access.get(ctx, c, hour, router.NeedComplete)
	answered()
	if err != nil {
		return err
	}
	defer answer.Close()
	return eachFlow(answer, func(r flow.Record) error {
		e.Saw(r.Key, r.Totals)
		return nil
	})
}

// benchProgress prints how a run goes.
type benchProgress struct {
	stderr  io.Writer
	tally   *load.Tally
	traffic *load.Traffic
	line    bool // each over the last, as on a terminal

	start, last time.Time
	records     int64
	posts       int64
	latency     *load.Counts
}

// run prints a line each second until ctx ends.
func (p *benchProgress) run(ctx context.Context) {
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

// print says what the time since the last line has brought.
func (p *benchProgress) print(now time.Time) {
	records, posts, latency := p.tally.Records.Load(), p.tally.Stored.Load(), p.tally.Latency.Counts()
	lately, seconds := latency.Since(p.latency), now.Sub(p.last).Seconds()
	var failures int64
	for _, f := range p.traffic.Failures() {
		failures += f.Count
	}
	text := fmt.Sprintf("%4.0fs %10s records/s %8s posts/s   p50 %s   p99 %s   %d errors", now.Sub(p.start).Seconds(),
		grouped(float64(records-p.records)/seconds), grouped(float64(posts-p.posts)/seconds),
		millis(lately.Quantile(.5)), millis(lately.Quantile(.99)), failures)
	if p.line {
		fmt.Fprintf(p.stderr, "\r%-100s", text)
	} else {
		fmt.Fprintln(p.stderr, text)
	}
	p.last, p.records, p.posts, p.latency = now, records, posts, latency
}

func millis(d time.Duration) string { return inMillis(float64(d) / float64(time.Millisecond)) }
