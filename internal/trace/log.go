package trace

import (
	"context"
	"log/slog"
)

// Attribute is the name of the ID in a log line. A line about work for several requests has the IDs of all, with a
// comma between two.
const Attribute = "request"

// Handler returns a handler that adds the IDs of the context to each log line.
func Handler(next slog.Handler) slog.Handler {
	if _, has := next.(handler); has {
		return next
	}
	return handler{next}
}

type handler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if ids := All(ctx); len(ids) > 0 {
		r.AddAttrs(slog.String(Attribute, ids.String()))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name)} }
