//go:build !race

package client

// In a synctest bubble, where time is virtual; bubbles crash under the race detector on Go 1.26 (go.dev/issue/76691).

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestPostIsRepeatedUntilItIsAcknowledged(t *testing.T) {
	for _, tt := range []struct {
		name     string
		steps    []step
		replayed bool
	}{
		{"after lost connections", []step{lose, lose, lose, stored}, false},
		{"after refusals of the moment", []step{unavailable, unavailable, stored}, false},
		{"after an acknowledgement that was cut short", []step{cutShort, replayed}, true},
		{"after an answer that does not come", []step{hang, replayed}, true},
		{"after an acknowledgement that does not end", []step{stuck, replayed}, true},
		{"after an internal error", []step{reply(500, "oops"), stored}, false},
		{"after a proxy found no node", []step{reply(502, "<html>"), stored}, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			c, cluster := newTestClient(t, 2, tt.steps...)
			start := time.Now()
			r, err := c.Post(t.Context(), []byte(body), PostOptions{})
			if took := time.Since(start); took > 2*DefaultAttemptTimeout {
				t.Errorf("%s: Post took %v", tt.name, took)
			}
			if err != nil || r.Records != 1 || r.Replayed != tt.replayed || r.Attempts != len(tt.steps) {
				t.Fatalf("%s: Post = %+v, %v; want 1 record, replayed %v, %d attempts", tt.name, r, err, tt.replayed, len(tt.steps))
			}
			for i, req := range cluster.requests {
				if req.key != r.Key || len(r.Key) < 20 || req.body != body {
					t.Errorf("%s: attempt %d has key %q and body %q, want %q and the same body", tt.name, i, req.key, req.body, r.Key)
				}
			}
			if cluster.requests[1].host == cluster.requests[0].host {
				t.Errorf("%s: the second attempt is on %s like the first", tt.name, cluster.requests[0].host)
			}
		})
	}
}

func TestAnotherTargetIsTriedAtOnceAndTheSameOneAfterRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, cluster := newTestClient(t, 2, unavailable, unavailable, stored)
		if _, err := c.Post(t.Context(), []byte(body), PostOptions{Key: "k"}); err != nil {
			t.Fatal(err)
		}
		at := func(i int) time.Duration { return cluster.requests[i].at.Sub(cluster.requests[0].at) }
		if at(1) != 0 {
			t.Errorf("second target is tried after %v, want at once", at(1))
		}
		if at(2) < 3*time.Second || at(2) > 4*time.Second {
			t.Errorf("first target is tried again after %v, want its Retry-After of 3 s", at(2))
		}
	})
}

func TestBackoffGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, cluster := newTestClient(t, 1, lose)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := c.Post(ctx, []byte(body), PostOptions{})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Post = %v, want the deadline", err)
		}
		if n := len(cluster.requests); n < 12 || n > 40 {
			t.Errorf("%d attempts in a minute, want 12 to 40", n)
		}
		for i, req := range cluster.requests[1:] {
			gap := req.at.Sub(cluster.requests[i].at)
			if most := min(DefaultMinBackoff<<min(i, 20), DefaultMaxBackoff); gap < most/2 || gap > most {
				t.Errorf("gap %d is %v, want %v to %v", i, gap, most/2, most)
			}
		}
	})
}

func TestAFloodOfRetryAfterDoesNotStopTheClientForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, cluster := newTestClient(t, 1, reply(503, "", "Retry-After: 999999999"), stored)
		if _, err := c.Post(t.Context(), []byte(body), PostOptions{}); err != nil {
			t.Fatal(err)
		}
		if gap := cluster.requests[1].at.Sub(cluster.requests[0].at); gap > DefaultMaxBackoff {
			t.Errorf("waited %v, want %v at most", gap, DefaultMaxBackoff)
		}
	})
}

func TestPostShowsTheKnownOutcome(t *testing.T) {
	for _, tt := range []struct {
		name    string
		steps   []step
		unknown bool
		status  int
	}{
		{"a refusal is not applied", []step{refused}, false, 400},
		{"a refusal after an attempt that may be stored", []step{lose, refused}, true, 400},
		{"no answer at all", []step{lose}, true, 0},
		{"refused for the moment for ever", []step{unavailable}, true, 503},
		{"a redirect is no acknowledgement", []step{reply(302, "", "Location: http://login/")}, false, 302},
	} {
		synctest.Test(t, func(t *testing.T) {
			c, _ := newTestClient(t, 2, tt.steps...)
			c.cfg.HTTP.CheckRedirect = keepRedirect
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, err := c.Post(ctx, []byte(body), PostOptions{Key: "mine"})
			var unknown *UnknownError
			if got := errors.As(err, &unknown); got != tt.unknown || got && unknown.Key != "mine" {
				t.Errorf("%s: Post = %v, unknown = %v, want %v with the key", tt.name, err, got, tt.unknown)
			}
			var p *Problem
			if errors.As(err, &p); p == nil && tt.status != 0 || p != nil && p.Status != tt.status {
				t.Errorf("%s: Post = %v, want status %d", tt.name, err, tt.status)
			}
		})
	}
}

func TestAnEndedCallMakesNoAttempt(t *testing.T) {
	c, cluster := newTestClient(t, 1, stored)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Post(ctx, []byte(body), PostOptions{})
	if !errors.Is(err, context.Canceled) || errors.As(err, new(*UnknownError)) || len(cluster.requests) > 0 {
		t.Errorf("Post with a context that ended = %v after %d attempts, want canceled after none", err, len(cluster.requests))
	}
}
