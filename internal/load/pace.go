package load

import (
	"context"
	"sync/atomic"
	"time"
)

// Plan is the amount and the pace of the load.
type Plan struct {
	Connections int           // posts in progress at once, at most
	Posts       int64         // total number; 0: no limit
	Duration    time.Duration // time after which no post begins; 0: no limit
	Rate        float64       // posts due per second (open loop); 0: as fast as answers come (closed loop)
}

// pace hands out the posts of a run.
type pace struct {
	plan  Plan
	start time.Time
	taken atomic.Int64
}

// take returns the number of the next post and its due time, which is now in a closed loop. It returns false after the
// last post.
func (p *pace) take() (n int64, due time.Time, ok bool) {
	if p.plan.Rate <= 0 && p.over(time.Now()) {
		return 0, time.Time{}, false
	}
	n = p.taken.Add(1) - 1
	due = p.due(n)
	if p.plan.Posts > 0 && n >= p.plan.Posts || p.over(due) {
		p.taken.Add(-1) // every number below taken belongs to a post in a worker
		return 0, time.Time{}, false
	}
	return n, due, true
}

// due computes the due time from the number alone, so that rounding errors do not add up and a late post delays no
// other post.
func (p *pace) due(n int64) time.Time {
	if p.plan.Rate <= 0 {
		return p.start
	}
	const never = 1 << 62 // 146 years
	return p.start.Add(time.Duration(min(float64(n)/p.plan.Rate*float64(time.Second), never)))
}

// over reports whether the time for posts has ended at t.
func (p *pace) over(t time.Time) bool {
	return p.plan.Duration > 0 && t.Sub(p.start) >= p.plan.Duration
}

// await waits until a post is due and returns the start of its latency. It returns false when the run is over: ctx has
// ended, or the time for posts has ended.
func (p *pace) await(ctx context.Context, due time.Time) (from time.Time, ok bool) {
	pause(ctx, time.Until(due))
	now := time.Now()
	if ctx.Err() != nil || p.over(now) {
		return time.Time{}, false
	}
	if p.plan.Rate <= 0 {
		return now, true
	}
	return due, true
}

// dueBy returns the number of posts that were due by t; 0 in a closed loop.
func (p *pace) dueBy(t time.Time) int64 {
	if p.plan.Rate <= 0 {
		return 0
	}
	spent := t.Sub(p.start)
	if p.plan.Duration > 0 {
		spent = min(spent, p.plan.Duration)
	}
	n := int64(spent.Seconds() * p.plan.Rate)
	if p.plan.Posts > 0 {
		n = min(n, p.plan.Posts)
	}
	return n
}
