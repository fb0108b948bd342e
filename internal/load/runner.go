package load

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// grace is the time for posts in progress when a run is interrupted.
const grace = 2 * time.Second

// Runner sends posts to a plan. It is used once.
type Runner struct {
	posts  Posts
	send   SendFunc
	pace   pace
	endAt  time.Time
	Tally  Tally
	keep   bool // outcomes are kept, for Outcome
	mu     sync.Mutex
	failed map[int64]Outcome // outcomes other than Stored
	first  [Unknown + 1]error
}

// Tally is the progress of a run. The latency of a post includes its retries; only stored posts count.
type Tally struct {
	Latency                                   Histogram
	Begun, Stored, Replayed, Refused, Unknown atomic.Int64
	Records, Bytes                            atomic.Int64 // of stored posts
}

// NewRunner returns a runner. With keep it keeps the outcome of each post.
func NewRunner(posts Posts, p Plan, send SendFunc, keep bool) *Runner {
	return &Runner{posts: posts, send: send, pace: pace{plan: p}, keep: keep, failed: map[int64]Outcome{}}
}

// Run sends posts until the plan is fulfilled. When ctx ends, no further post begins, and posts in progress get two
// seconds.
func (r *Runner) Run(ctx context.Context) {
	posts, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(grace, cancel)
		context.AfterFunc(posts, func() { timer.Stop() })
	})
	defer stop()
	r.pace.start = time.Now()
	var workers sync.WaitGroup
	for range r.pace.plan.Connections {
		workers.Go(func() { r.work(ctx, posts) })
	}
	workers.Wait()
	r.endAt = time.Now()
}

// work sends one post after the other. It makes each body before the post is due.
func (r *Runner) work(ctx, posts context.Context) {
	var body []byte
	for {
		n, due, ok := r.pace.take()
		if !ok {
			return
		}
		body = r.posts.Append(body[:0], n)
		from, ok := r.pace.await(ctx, due)
		if !ok {
			r.lost(n, Refused, nil)
			return
		}
		r.Tally.Begun.Add(1)
		if a := r.send(posts, Post{n, body}); r.ended(n, a, len(body), from) {
			body = nil // the transport may still read it
		}
	}
}

// ended counts the outcome of a post, and returns whether its body is still in use.
func (r *Runner) ended(n int64, a Answer, size int, from time.Time) bool {
	switch a.Outcome {
	case Stored:
		r.Tally.Latency.Add(time.Since(from))
		r.Tally.Stored.Add(1)
		r.Tally.Records.Add(int64(r.posts.Records()))
		r.Tally.Bytes.Add(int64(size))
		if a.Replayed {
			r.Tally.Replayed.Add(1)
		}
	case Refused:
		r.Tally.Refused.Add(1)
		r.lost(n, Refused, a.Err)
	case Unknown:
		r.Tally.Unknown.Add(1)
		r.lost(n, Unknown, a.Err)
	}
	return a.Kept
}

func (r *Runner) lost(n int64, how Outcome, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keep {
		r.failed[n] = how
	}
	if r.first[how] == nil {
		r.first[how] = err
	}
}

// Elapsed returns the length of the run.
func (r *Runner) Elapsed() time.Duration { return r.endAt.Sub(r.pace.start) }

// Unsent returns the number of posts that were due by the end of an open loop and did not begin, because all
// connections were busy.
func (r *Runner) Unsent() int64 { return max(r.pace.dueBy(r.endAt)-r.Tally.Begun.Load(), 0) }

// Taken returns the number of posts that workers have taken: they are the posts 0 to Taken()-1.
func (r *Runner) Taken() int64 { return r.pace.taken.Load() }

// Outcome returns the outcome of post n, which must be below Taken().
func (r *Runner) Outcome(n int64) Outcome {
	if how, failed := r.failed[n]; failed {
		return how
	}
	return Stored
}

// FirstError returns the first error of a refused post; if there is none, of a post with an unknown outcome.
func (r *Runner) FirstError() error {
	if err := r.first[Refused]; err != nil {
		return err
	}
	return r.first[Unknown]
}
