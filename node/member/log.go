package member

import (
	"bytes"
	"context"
	"log"
	"log/slog"
)

// newLogger returns a logger that passes the gossip library's lines to slog, for debugging. The library's errors are
// about single packets and probes, and gossip survives their loss. This package logs the events for operators itself.
func newLogger(to *slog.Logger) *log.Logger { return log.New(lineWriter{to}, "", 0) }

type lineWriter struct{ log *slog.Logger }

// Write implements io.Writer for one line.
func (w lineWriter) Write(line []byte) (int, error) {
	text := bytes.TrimSpace(line)
	if i := bytes.Index(text, []byte("memberlist: ")); i >= 0 {
		text = text[i+len("memberlist: "):]
	}
	w.log.Log(context.Background(), slog.LevelDebug, "gossip", "line", string(text))
	return len(line), nil
}
