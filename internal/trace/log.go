package trace

import (
	"context"
	"log/slog"
)

// Attribute is the name of the ID in a log line.
const Attribute = "request"

// Handler returns a handler that adds the ID of the context to each log line.
func Handler(next slog.Handler) slog.Handler {
	if _, has := next.(handler); has {
		return next
	}
	return handler{next}
}

type handler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if id := Of(ctx); !id.IsZero() {
		r.AddAttrs(slog.String(Attribute, id.String()))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name)} }
