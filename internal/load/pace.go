package load

import (
	"context"
	"sync/atomic"
	"time"
)

// Plan says how much load to make, and how fast.
type Plan struct {
	Connections int           // posts under way at once, at most
	Posts       int64         // in all; 0: no limit
	Duration    time.Duration // in which posts are begun; 0: no limit
	Rate        float64       // posts due in a second; 0: as fast as answers come
}

// pace hands out the posts of a run.
type pace struct {
	plan  Plan
	start time.Time
	taken atomic.Int64
}

// take returns the number of the next post, and when it is due: at once in a closed loop. It returns false when there is none.
func (p *pace) take() (n int64, due time.Time, ok bool) {
	if p.plan.Rate <= 0 && p.over(time.Now()) {
		return 0, time.Time{}, false
	}
	n = p.taken.Add(1) - 1
	due = p.due(n)
	if p.plan.Posts > 0 && n >= p.plan.Posts || p.over(due) {
		p.taken.Add(-1) // every number below taken is of a post that somebody has
		return 0, time.Time{}, false
	}
	return n, due, true
}

// due is computed from the number alone: rounding does not add up, and a late post delays no other.
func (p *pace) due(n int64) time.Time {
	if p.plan.Rate <= 0 {
		return p.start
	}
	const never = 1 << 62 // 146 years
	return p.start.Add(time.Duration(min(float64(n)/p.plan.Rate*float64(time.Second), never)))
}

// over reports whether no post may begin at t any more.
func (p *pace) over(t time.Time) bool {
	return p.plan.Duration > 0 && t.Sub(p.start) >= p.plan.Duration
}

// await waits until a post is due and returns the time that its latency counts from. It returns false when the run is over by then:
// ctx has ended, or the post is so late that the time for posts has run out.
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

// dueBy returns how many posts were due until t; in a closed loop none is before it is begun.
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
