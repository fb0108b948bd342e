package refused

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"flowring/internal/contract"
	"flowring/internal/lograte"
	"flowring/internal/trace"
)

// Burst is the number of lines at info in lograte.Interval, for each kind of call.
const Burst = 10

// Log logs refused calls.
type Log struct {
	log *slog.Logger

	mu    sync.Mutex
	calls map[string]*lograte.Limiter // by the name of the call
}

// New returns a Log that writes to log.
func New(log *slog.Logger) *Log { return &Log{log: log, calls: map[string]*lograte.Limiter{}} }

// Note logs the refusal of a call. The names of calls are few.
func (l *Log) Note(ctx context.Context, call string, refusal contract.Refusal, err error) {
	switch {
	case ctx.Err() != nil:
		l.log.DebugContext(ctx, "peer call given up", "call", call, "error", err)
		return
	case refusal == contract.Internal:
		l.log.ErrorContext(ctx, "peer call failed", "call", call, "error", err)
		return
	case refusal == contract.Unavailable && !trace.Of(ctx).IsZero():
		if times := l.of(call).Allow(time.Now()); times > 0 {
			l.log.InfoContext(ctx, "peer call refused", "call", call, "error", err, "refused", times)
			return
		}
	}
	l.log.DebugContext(ctx, "peer call refused", "call", call, "error", err)
}

// of returns the limiter of a call.
func (l *Log) of(call string) *lograte.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	limiter := l.calls[call]
	if limiter == nil {
		limiter = &lograte.Limiter{Burst: Burst}
		l.calls[call] = limiter
	}
	return limiter
}
