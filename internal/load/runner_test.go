package load

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"flowring/flow"
	"flowring/internal/racetest"
)

// answering returns a SendFunc that takes a time for each post.
func answering(took func(n int64) time.Duration) SendFunc {
	return func(ctx context.Context, p Post) Answer {
		pause(ctx, took(p.N))
		if ctx.Err() != nil {
			return Answer{Outcome: Unknown, Err: ctx.Err()}
		}
		return Answer{Outcome: Stored}
	}
}

func always(d time.Duration) func(int64) time.Duration {
	return func(int64) time.Duration { return d }
}

func near(got, want time.Duration) bool { return got >= want && got <= want+want/half }

func TestRunsEndAsPlanned(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct {
		name     string
		plan     Plan
		took     time.Duration
		stored   int64
		unsent   int64
		elapsed  time.Duration
		p50, max time.Duration
	}{
		{"a number of posts", Plan{Connections: 2, Posts: 10}, 10 * ms, 10, 0, 50 * ms, 10 * ms, 10 * ms},
		{"a length of time", Plan{Connections: 2, Duration: 95 * ms}, 10 * ms, 20, 0, 100 * ms, 10 * ms, 10 * ms},
		{"a number and a length of time", Plan{Connections: 1, Posts: 5, Duration: time.Hour}, 10 * ms, 5, 0, 50 * ms, 10 * ms, 10 * ms},
		{"a rate that can be kept", Plan{Connections: 2, Rate: 100, Duration: time.Second}, 10 * ms, 100, 0, time.Second, 10 * ms, 10 * ms},
		{"a rate and a number", Plan{Connections: 2, Rate: 100, Posts: 50}, 10 * ms, 50, 0, 500 * ms, 10 * ms, 10 * ms},
		{"a rate at the limit", Plan{Connections: 1, Rate: 100, Duration: time.Second}, 10 * ms, 100, 0, time.Second, 10 * ms, 10 * ms},
		// One is due each 10 ms and takes 20 ms: the 50th waited for 490 ms.
		{"a rate that is too high", Plan{Connections: 1, Rate: 100, Duration: time.Second}, 20 * ms, 50, 50, time.Second, 260 * ms, 510 * ms},
		{"a tiny rate", Plan{Connections: 2, Rate: 1e-300, Duration: time.Second}, ms, 1, 0, ms, ms, ms},
		{"a fractional rate", Plan{Connections: 1, Rate: 1. / 3, Duration: 10 * time.Second}, ms, 4, 0, 9001 * ms, ms, ms},
	} {
		racetest.Bubble(t, func(t *testing.T) {
			r := NewRunner(NewGenerator(shape()), test.plan, answering(always(test.took)), true)
			r.Run(t.Context())
			n, c := &r.Tally, r.Tally.Latency.Counts()
			if n.Stored.Load() != test.stored || r.Unsent() != test.unsent || r.Elapsed() != test.elapsed {
				t.Errorf("%s: %d stored and %d unsent in %v, want %d, %d, %v", test.name,
					n.Stored.Load(), r.Unsent(), r.Elapsed(), test.stored, test.unsent, test.elapsed)
			}
			if !near(c.Quantile(.5), test.p50) || c.Max() != test.max {
				t.Errorf("%s: p50 is %v, max %v; want %v, %v", test.name, c.Quantile(.5), c.Max(), test.p50, test.max)
			}
			var outcomes int64
			for i := range r.Taken() {
				if r.Outcome(i) == Stored {
					outcomes++
				}
			}
			if outcomes != test.stored || n.Records.Load() != test.stored*50 {
				t.Errorf("%s: %d posts are said to be stored, with %d records, want %d", test.name, outcomes, n.Records.Load(), test.stored)
			}
		})
	}
}

// A cluster that stalls for one second of ten delays 10 % of the posts, however many connections there are. If latency
// counted from the begin of each post, one post in 1,000 would be slow.
func TestAStallDelaysAllPostsThatAreDue(t *testing.T) {
	for _, test := range []struct {
		name string
		rate float64
		slow time.Duration // least p99
	}{
		{"the p99 of an open loop", 100, 850 * time.Millisecond},
		{"the p99 of a closed loop does not", 0, 0},
	} {
		racetest.Bubble(t, func(t *testing.T) {
			start := time.Now()
			stall := func(int64) time.Duration {
				if at := time.Since(start); at >= 5*time.Second && at < 6*time.Second {
					return time.Until(start.Add(6 * time.Second))
				}
				return time.Millisecond
			}
			r := NewRunner(NewGenerator(shape()), Plan{Connections: 1, Rate: test.rate, Duration: 10 * time.Second}, answering(stall), false)
			r.Run(t.Context())
			p99 := r.Tally.Latency.Counts().Quantile(.99)
			if p99 < test.slow || test.slow == 0 && p99 > 2*time.Millisecond {
				t.Errorf("%s: p99 is %v, want %v", test.name, p99, test.slow)
			}
		})
	}
}

func TestAnInterruptedRunWaitsForPostsInProgress(t *testing.T) {
	for _, test := range []struct {
		name            string
		took            time.Duration
		stored, unknown int64
		elapsed         time.Duration
	}{
		{"posts with an early answer", time.Second, 2, 0, time.Second},
		{"posts with a late answer", time.Minute, 0, 2, 500*time.Millisecond + grace},
	} {
		racetest.Bubble(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			r := NewRunner(NewGenerator(shape()), Plan{Connections: 2}, answering(always(test.took)), true)
			r.Run(ctx)
			if n := &r.Tally; n.Stored.Load() != test.stored || n.Unknown.Load() != test.unknown || r.Elapsed() != test.elapsed {
				t.Errorf("%s: %d stored, %d unknown in %v, want %d, %d, %v", test.name,
					n.Stored.Load(), n.Unknown.Load(), r.Elapsed(), test.stored, test.unknown, test.elapsed)
			}
		})
	}
}

func TestAnInterruptEndsTheWaitForTheNextPost(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r := NewRunner(NewGenerator(shape()), Plan{Connections: 3, Rate: .001}, answering(always(0)), true)
		r.Run(ctx)
		if r.Elapsed() != time.Second || r.Tally.Stored.Load() != 1 || r.Unsent() != 0 {
			t.Errorf("%d posts in %v, %d unsent; want 1 in 1s, 0", r.Tally.Stored.Load(), r.Elapsed(), r.Unsent())
		}
	})
}

func TestOutcomesAreCountedAndKept(t *testing.T) {
	refused, unknown := errors.New("refused"), errors.New("unknown")
	send := func(_ context.Context, p Post) Answer {
		switch p.N {
		case 3:
			return Answer{Outcome: Unknown, Err: unknown}
		case 5, 6:
			return Answer{Outcome: Refused, Err: refused}
		}
		return Answer{Outcome: Stored, Replayed: p.N == 7}
	}
	r := NewRunner(NewGenerator(shape()), Plan{Connections: 3, Posts: 10}, send, true)
	r.Run(t.Context())
	n := &r.Tally
	if n.Stored.Load() != 7 || n.Unknown.Load() != 1 || n.Refused.Load() != 2 || n.Replayed.Load() != 1 {
		t.Errorf("%d stored, %d unknown, %d refused, %d replayed; want 7, 1, 2, 1",
			n.Stored.Load(), n.Unknown.Load(), n.Refused.Load(), n.Replayed.Load())
	}
	if r.Outcome(3) != Unknown || r.Outcome(5) != Refused || r.Outcome(4) != Stored || !errors.Is(r.FirstError(), refused) {
		t.Errorf("posts 3 to 5 are %d, %d, %d with %v; want 2, 1, 0 with refused", r.Outcome(3), r.Outcome(4), r.Outcome(5), r.FirstError())
	}
}

// A transport may still read a body after it has given up on the answer, so the next post must not overwrite the body.
func TestABodyInUseIsNotOverwritten(t *testing.T) {
	for _, kept := range []bool{true, false} {
		var mu sync.Mutex
		bodies := map[*byte]bool{}
		send := func(_ context.Context, p Post) Answer {
			mu.Lock()
			defer mu.Unlock()
			bodies[&p.Body[0]] = true
			return Answer{Outcome: Stored, Kept: kept}
		}
		s := shape()
		s.Records = 1
		s.Flows = 1
		r := NewRunner(NewGenerator(s), Plan{Connections: 1, Posts: 20}, send, false)
		r.Run(t.Context())
		if reused := len(bodies) < 10; reused == kept {
			t.Errorf("20 posts were in %d buffers, though they were in use: %v", len(bodies), kept)
		}
	}
}

func TestReadersKeepTheirPeriod(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var gets atomic.Int64
		broken := errors.New("broken")
		r := &Readers{Number: 2, Every: 100 * time.Millisecond, Newest: 20, Hours: 2}
		r.Get = func(ctx context.Context, hour flow.Hour) (int64, error) {
			pause(ctx, 30*time.Millisecond)
			if gets.Add(1) == 3 {
				return 0, broken
			}
			return int64(hour), ctx.Err()
		}
		r.Run(ctx)
		got := r.Result()
		if got.Reads != 19 || got.Failed != 1 || got.Bytes < 19*19 || !errors.Is(r.FirstError(), broken) || got.Latency.P50 < 30 {
			t.Errorf("readers did %+v with %v, want 19 reads of 30 ms, 1 failed", got, r.FirstError())
		}
	})
}
