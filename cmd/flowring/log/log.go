package log

import (
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/lmittmann/tint"
	"golang.org/x/term"

	"flowring/internal/redact"
	"flowring/internal/trace"
)

// JSON is the format for programs. Any other format is text.
const JSON = "json"

// New returns a logger with a format, for lines of a level and above it. A line about a request has its ID.
func New(w io.Writer, format string, level slog.Level) *slog.Logger {
	return slog.New(trace.Handler(handler(w, format, level)))
}

func handler(w io.Writer, format string, level slog.Level) slog.Handler {
	options := &slog.HandlerOptions{Level: level,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { return redacted(a) }}
	switch {
	case format == JSON:
		return slog.NewJSONHandler(w, options)
	case isTerminal(w):
		return pleasant(w, level, os.Getenv("NO_COLOR") == "")
	}
	return slog.NewTextHandler(w, options)
}

// redacted returns an attribute without the tokens in its text. A line quotes paths, queries and bodies of clients. An
// error is its message alone: slog's handler of text would also print the stack traces that errors of the journal
// carry.
func redacted(a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(redact.Tokens(a.Value.String()))
	case slog.KindAny:
		if err, is := a.Value.Any().(error); is {
			a.Value = slog.StringValue(redact.Tokens(err.Error()))
		}
	}
	return a
}

func isTerminal(w io.Writer) bool {
	f, isFile := w.(*os.File)
	return isFile && term.IsTerminal(int(f.Fd()))
}

// messageWidth is the width of most messages. Longer ones move their attributes to the right.
const messageWidth = 26

// pleasant returns the handler for a terminal.
func pleasant(w io.Writer, level slog.Level, colours bool) slog.Handler {
	return tint.NewTextHandler(w, &tint.Options{
		Level: level, TimeFormat: time.TimeOnly, NoColor: !colours,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if a = redacted(a); a.Key == slog.MessageKey && len(groups) == 0 && a.Value.Kind() == slog.KindString {
				text := a.Value.String()
				a.Value = slog.StringValue(text + strings.Repeat(" ", max(messageWidth-len(text), 0)))
			}
			return a
		},
	})
}
