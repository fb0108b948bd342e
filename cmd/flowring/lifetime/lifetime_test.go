package lifetime

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"flowring/internal/racetest"
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

func TestRun(t *testing.T) {
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
				err := Run(ctx, &n, slog.New(slog.DiscardHandler), func() { announced = true })
				if !errors.Is(err, test.want) || test.want == nil && err != nil {
					t.Errorf("Run() = %v, want %v", err, test.want)
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
	if err := Run(t.Context(), &n, slog.New(slog.NewTextHandler(&log, nil)), func() {}); !errors.Is(err, n.startErr) || log.Len() > 0 {
		t.Errorf("Run() = %v and logs %q, want the error of the start, and nothing logged", err, log.String())
	}
}

// The limit holds even for a node that does not stop.
func TestRunEndsInTimeIfTheNodeDoesNotStop(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		n := double{stuck: make(chan struct{})}
		defer close(n.stuck)
		begin := time.Now()
		err := Run(ctx, &n, slog.New(slog.DiscardHandler), func() {})
		if took := time.Since(begin); err == nil || took != stopWithin {
			t.Errorf("Run() = %v after %v, want an error after %v", err, took, stopWithin)
		}
	})
}

// A start that waits for its disk does not delay the end of the program, and Run does not stop a node that has not
// started.
func TestRunEndsIfTheStartHangs(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		n := double{startStuck: make(chan struct{})}
		defer close(n.startStuck)
		begin := time.Now()
		err := Run(ctx, &n, slog.New(slog.DiscardHandler), func() { t.Error("announced") })
		if took := time.Since(begin); err != nil || took != time.Hour+startGrace || !n.stopped.IsZero() {
			t.Errorf("Run() = %v after %v, stopped at %v, want nil after %v and no stop", err, took, n.stopped, time.Hour+startGrace)
		}
	})
}
