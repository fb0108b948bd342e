package refused

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"flowring/internal/contract"
	"flowring/internal/lograte"
	"flowring/internal/trace"
)

// A burst of refusals has some lines at info. The first line after it says how many refusals had none.
func TestRefusalsOfAnOutageHaveFewLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text strings.Builder
		l := New(slog.New(slog.NewTextHandler(&text, nil)))
		ctx := trace.With(t.Context(), trace.New())
		const refusals = 1000
		for range refusals {
			l.Note(ctx, "admit", contract.Unavailable, errors.New("n3 is silent"))
		}
		if lines := strings.Count(text.String(), "peer call refused"); lines != Burst {
			t.Errorf("%d refusals have %d lines, want %d", refusals, lines, Burst)
		}
		l.Note(ctx, "apply", contract.Unavailable, errors.New("full"))
		if !strings.Contains(text.String(), `msg="peer call refused" call=apply error=full refused=1`) {
			t.Errorf("the refusal of another call has no line:\n%s", text.String())
		}
		text.Reset()
		time.Sleep(lograte.Interval)
		l.Note(ctx, "admit", contract.Unavailable, errors.New("n3 is silent"))
		if !strings.Contains(text.String(), "refused=991") {
			t.Errorf("the line after the outage is %q, want refused=991", text.String())
		}
	})
}

func TestTheLevelFollowsTheRefusal(t *testing.T) {
	over, cancel := context.WithCancel(trace.With(t.Context(), trace.New()))
	cancel()
	traced := trace.With(t.Context(), trace.New())
	for _, tt := range []struct {
		name    string
		ctx     context.Context
		refusal contract.Refusal
		want    string
	}{
		{"a 503 for a client", traced, contract.Unavailable, `level=INFO msg="peer call refused"`},
		{"a 503 for no client", t.Context(), contract.Unavailable, `level=DEBUG msg="peer call refused"`},
		{"another refusal", traced, contract.Stranger, `level=DEBUG msg="peer call refused"`},
		{"a fault of this node", traced, contract.Internal, `level=ERROR msg="peer call failed"`},
		{"a caller that has gone", over, contract.Internal, `level=DEBUG msg="peer call given up"`},
	} {
		var text strings.Builder
		New(slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))).Note(tt.ctx, "flows", tt.refusal, errors.New("e"))
		if !strings.Contains(text.String(), tt.want) {
			t.Errorf("%s: the line is %q, want %s", tt.name, text.String(), tt.want)
		}
	}
}
