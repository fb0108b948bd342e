package main

import (
	"context"
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"flowring/cmd/flowring/settings"
	"flowring/internal/racetest"
	"flowring/router"
)

// double is a node with the given behaviour.
type double struct {
	startErr, stopErr error
	failed            chan error
	started, stopped  time.Time
	hang              bool          // in Stop, until it is cut short
	stuck             chan struct{} // in Stop, whatever ctx says
	startHangs        bool
	startStuck        chan struct{} // in Start, whatever ctx says
}

func (d *double) Start(ctx context.Context) error {
	if d.startHangs {
		<-ctx.Done()
		return ctx.Err()
	}
	if d.startStuck != nil {
		<-d.startStuck
	}
	d.started = time.Now()
	return d.startErr
}

func (d *double) Stop(ctx context.Context) error {
	if d.hang {
		<-ctx.Done()
	}
	if d.stuck != nil {
		<-d.stuck
	}
	d.stopped = time.Now()
	return d.stopErr
}

func (d *double) Failed() <-chan error { return d.failed }

func TestServe(t *testing.T) {
	broken, unclean := errors.New("disk is gone"), errors.New("unclean")
	for _, test := range []struct {
		name          string
		node          double
		fail          error // what the node fails with after a minute
		want          error
		wantStop      time.Duration // after the start
		wantAnnounced bool
	}{
		{"the signal stops it", double{}, nil, nil, time.Hour, true},
		{"a failure to start is returned, after a stop", double{startErr: broken}, nil, broken, 0, false},
		{"a start that the signal interrupts is no failure", double{startHangs: true}, nil, nil, time.Hour, false},
		{"a failure later is returned, after a stop", double{}, broken, broken, time.Minute, true},
		{"a failure to stop is returned", double{stopErr: unclean}, nil, unclean, time.Hour, true},
		{"a stop that hangs is cut short", double{hang: true}, nil, nil, time.Hour + cutShortAfter, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour) // in place of the signal
				defer cancel()
				n := test.node
				n.failed = make(chan error, 1)
				if test.fail != nil {
					time.AfterFunc(time.Minute, func() { n.failed <- test.fail })
				}
				begin, announced := time.Now(), false
				err := serve(ctx, &n, slog.New(slog.DiscardHandler), func() { announced = true })
				if !errors.Is(err, test.want) || test.want == nil && err != nil {
					t.Errorf("serve() = %v, want %v", err, test.want)
				}
				if got := n.stopped.Sub(begin); got != test.wantStop {
					t.Errorf("stopped after %v, want %v", got, test.wantStop)
				}
				if announced != test.wantAnnounced {
					t.Errorf("announced = %v, want %v", announced, test.wantAnnounced)
				}
			})
		})
	}
}

// Only the caller reports the error of a start; the log does not repeat it.
func TestAFailedStartIsReportedOnce(t *testing.T) {
	var log strings.Builder
	n := double{startErr: errors.New("--peer-addr: address already in use")}
	if err := serve(t.Context(), &n, slog.New(slog.NewTextHandler(&log, nil)), func() {}); !errors.Is(err, n.startErr) || log.Len() > 0 {
		t.Errorf("serve() = %v and logs %q, want the error of the start, and nothing logged", err, log.String())
	}
}

// The limit holds even for a node that does not stop.
func TestServeEndsInTimeIfTheNodeDoesNotStop(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		n := double{stuck: make(chan struct{})}
		defer close(n.stuck)
		begin := time.Now()
		err := serve(ctx, &n, slog.New(slog.DiscardHandler), func() {})
		if took := time.Since(begin); err == nil || took != stopWithin {
			t.Errorf("serve() = %v after %v, want an error after %v", err, took, stopWithin)
		}
	})
}

// A start that waits for its disk does not delay the end of the program, and serve does not stop a node that has not
// started.
func TestServeEndsIfTheStartHangs(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		n := double{startStuck: make(chan struct{})}
		defer close(n.startStuck)
		begin := time.Now()
		err := serve(ctx, &n, slog.New(slog.DiscardHandler), func() { t.Error("announced") })
		if took := time.Since(begin); err != nil || took != time.Hour+startGrace || !n.stopped.IsZero() {
			t.Errorf("serve() = %v after %v, stopped at %v, want nil after %v and no stop", err, took, n.stopped, time.Hour+startGrace)
		}
	})
}

func TestReachable(t *testing.T) {
	for in, want := range map[string]string{
		"127.0.0.1:8080": "127.0.0.1:8080", ":8080": "127.0.0.1:8080", "0.0.0.0:8080": "127.0.0.1:8080",
		"[::]:8080": "127.0.0.1:8080", "n1:8080": "n1:8080", "[fe80::1]:80": "[fe80::1]:80", "": "",
	} {
		if got := reachable(in); got != want {
			t.Errorf("reachable(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestAnnounceIsTextOrOneRecord(t *testing.T) {
	at := router.Addresses{HTTP: "127.0.0.1:1", Peer: "127.0.0.1:2", Gossip: "127.0.0.1:3"}
	for format, want := range map[string]string{
		"text": `(?s)^flowring \S+: node n1 serves http 127.0.0.1:1, peer 127.0.0.1:2, gossip 127.0.0.1:3\n$`,
		"json": `^\{"time":"[^"]*","level":"INFO","msg":"serving","name":"n1","http":"127.0.0.1:1",.*,"gossip":"127.0.0.1:3"\}\n$`,
	} {
		s := settings.Default()
		s.Name, s.LogFormat = "n1", format
		var stderr strings.Builder
		announce(&stderr, newLog(&stderr, s), s, at)
		if got := stderr.String(); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("announce() as %s = %q, want a match of %q", format, got, want)
		}
	}
}

// readyAfter is a node that becomes ready at a time.
type readyAfter struct{ at time.Time }

func (r readyAfter) Ready() error {
	if time.Now().Before(r.at) {
		return errors.New("joining")
	}
	return nil
}

// The suggestion is printed once the node is ready, and never if the node stops before.
func TestTheSuggestionWaitsForReadiness(t *testing.T) {
	for format, want := range map[string]string{
		"text": "Try: curl 'http://127.0.0.1:1/flows?hour=20'\n", "json": `"msg":"ready","try":"curl 'http://127.0.0.1:1/flows?hour=20'"`,
	} {
		racetest.Bubble(t, func(t *testing.T) {
			s := settings.Default()
			s.LogFormat = format
			var stderr strings.Builder
			said := func() { suggest(&stderr, newLog(&stderr, s), s, router.Addresses{HTTP: "127.0.0.1:1"}) }
			begin := time.Now()
			invite(t.Context(), readyAfter{begin.Add(time.Minute)}, said)
			if took := time.Since(begin); took < time.Minute || !strings.Contains(stderr.String(), want) {
				t.Errorf("as %s after %v: %q, want %q after a minute", format, took, stderr.String(), want)
			}
			stderr.Reset()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if invite(ctx, readyAfter{begin.Add(time.Hour)}, said); stderr.Len() > 0 {
				t.Errorf("a node that was stopped before it was ready says %q", stderr.String())
			}
		})
	}
}
