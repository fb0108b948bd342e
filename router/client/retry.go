package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// retry calls attempt with one target after another, until it succeeds, fails permanently, or ctx ends. It returns the
// number of attempts, and the error of the last one.
func (c *Client) retry(
	ctx context.Context, attempt func(ctx context.Context, target string) error,
) (attempts int, err error) {
	s := c.newSchedule()
	for {
		i := s.earliest()
		if waitErr := wait(ctx, time.Until(s.targets[i].notBefore)); waitErr != nil {
			return attempts, gaveUp(waitErr, err)
		}
		attempts++
		target := s.targets[i].target
		c.cfg.Watch(target.shown, nil)
		if err = attempt(ctx, target.url); err == nil {
			return attempts, nil
		}
		cause := err
		err = fmt.Errorf("%s: %w", target.shown, cause)
		if !temporary(cause) {
			return attempts, err
		}
		c.cfg.Watch(target.shown, cause)
		s.failed(i, err)
	}
}

// gaveUp joins the reason for the end of the retries with the error of the last attempt.
func gaveUp(waitErr, last error) error {
	if last == nil {
		return waitErr
	}
	return fmt.Errorf("%w, after %w", waitErr, last)
}

// temporary reports whether another attempt may succeed: the answer was lost, or the refusal is temporary. A
// redirect is neither.
func temporary(err error) bool {
	var p *Problem
	if errors.As(err, &p) {
		return p.Status >= 500 || p.Status == 408 || p.Status == 429
	}
	var lost *lostError
	return errors.As(err, &lost)
}

// wait blocks for d, or until ctx ends. It fails at once if the deadline of ctx is before the end of d.
func wait(ctx context.Context, d time.Duration) error {
	deadline, bounded := ctx.Deadline()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case d <= 0:
		return nil
	case bounded && time.Until(deadline) < d:
		return context.DeadlineExceeded
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// schedule has the time of the next attempt at each target. It belongs to one call.
type schedule struct {
	cfg     Config
	targets []targetState
}

type targetState struct {
	target
	failures  int
	notBefore time.Time
}

// newSchedule starts each call with another target.
func (c *Client) newSchedule() *schedule {
	s := &schedule{cfg: c.cfg}
	start := int(c.next.Add(1)-1) % len(c.targets)
	for i := range c.targets {
		s.targets = append(s.targets, targetState{target: c.targets[(start+i)%len(c.targets)]})
	}
	return s
}

// earliest returns the target with the earliest time; of several, the first in order.
func (s *schedule) earliest() int {
	best := 0
	for i := range s.targets {
		if s.targets[i].notBefore.Before(s.targets[best].notBefore) {
			best = i
		}
	}
	return best
}

// failed delays target i after an attempt that failed with err.
func (s *schedule) failed(i int, err error) {
	t := &s.targets[i]
	t.failures++
	delay := s.backoff(t.failures)
	var p *Problem
	if errors.As(err, &p) {
		delay = max(delay, min(time.Duration(p.RetryAfter)*time.Second, s.cfg.MaxBackoff))
	}
	t.notBefore = time.Now().Add(delay)
}

// backoff doubles with each failure up to MaxBackoff. Half of it is random, because clients that failed together
// should not return together.
func (s *schedule) backoff(failures int) time.Duration {
	d := s.cfg.MaxBackoff
	if shift := failures - 1; shift < 20 && s.cfg.MinBackoff<<shift < d {
		d = s.cfg.MinBackoff << shift
	}
	return d/2 + rand.N(d/2+1)
}
