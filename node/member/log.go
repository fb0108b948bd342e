package member

import (
	"bytes"
	"context"
	"log"
	"log/slog"
)

// newLogger returns a logger that hands the gossip library's lines to slog for debugging. Even its errors are about single
// packets and probes, which gossip is made to survive; what an operator must know this package says itself.
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
