package log

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"flowring/internal/trace"
)

// write logs two messages.
func write(log *slog.Logger) {
	log.With("node", "n1").Info("drain", "store", "a b")
	log.Error("data folder is missing", "error", errors.New("gone"))
	log.Debug("invisible")
}

func TestATerminalGetsShortAlignedLines(t *testing.T) {
	var out bytes.Buffer
	write(slog.New(pleasant(&out, slog.LevelInfo, false)))
	got := regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d `).ReplaceAllString(out.String(), "TIME ")
	want := "TIME INF drain                      node=n1 store=\"a b\"\n" +
		"TIME ERR data folder is missing     error=gone\n"
	if got != want {
		t.Errorf("the lines are\n%swant\n%s", got, want)
	}
	out.Reset()
	write(slog.New(pleasant(&out, slog.LevelInfo, true)))
	if !strings.Contains(out.String(), "\x1b[91mERR\x1b[0m") {
		t.Errorf("the error is not red: %q", &out)
	}
}

func TestFilesGetTheFormsOfSlog(t *testing.T) {
	for format, want := range map[string]string{
		"text": "level=INFO msg=drain node=n1 store=\"a b\"\n", JSON: `"level":"INFO","msg":"drain","node":"n1","store":"a b"}` + "\n",
	} {
		var out bytes.Buffer
		write(New(&out, format, slog.LevelInfo))
		if first, _, _ := strings.Cut(out.String(), "\n"); !strings.HasSuffix(first+"\n", want) {
			t.Errorf("the line in %s is %q, want %q at its end", format, first, want)
		}
	}
}

// traced is an error as the journal's library makes them: the verb %+v adds a stack trace.
type traced struct{}

func (traced) Error() string { return "no such table" }

func (e traced) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, e.Error())
	if f.Flag('+') {
		_, _ = io.WriteString(f, "\n-- stack trace")
	}
}

func TestALineShowsTheMessageOfAnErrorAlone(t *testing.T) {
	for name, handler := range map[string]func(io.Writer) *slog.Logger{
		"text":     func(w io.Writer) *slog.Logger { return New(w, "text", slog.LevelInfo) },
		"json":     func(w io.Writer) *slog.Logger { return New(w, JSON, slog.LevelInfo) },
		"terminal": func(w io.Writer) *slog.Logger { return slog.New(pleasant(w, slog.LevelInfo, false)) },
	} {
		var out bytes.Buffer
		handler(&out).Error("journal is corrupt", "error", traced{})
		if line := out.String(); !strings.Contains(line, "no such table") || strings.Contains(line, "stack trace") {
			t.Errorf("the line of %s is %q, want the message of the error without its trace", name, line)
		}
	}
}

func TestALineAboutARequestHasItsID(t *testing.T) {
	var out bytes.Buffer
	id := trace.New()
	New(&out, "text", slog.LevelInfo).InfoContext(trace.With(t.Context(), id), "peer call refused")
	if !strings.HasSuffix(out.String(), " request="+id.String()+"\n") {
		t.Errorf("the line is %q, want the ID %v at its end", &out, id)
	}
}

// P17: a token that a client put into a path, a query or a body is in no line, wherever the line quotes it.
func TestNoLineShowsAToken(t *testing.T) {
	const token = "flowring_uS0-fM_lDQ9uQd3cPvXmJq1x8bKtR5yZhWnE2aLgI7o"
	for name, log := range map[string]func(*bytes.Buffer) *slog.Logger{
		"text":       func(out *bytes.Buffer) *slog.Logger { return New(out, "text", slog.LevelDebug) },
		"JSON":       func(out *bytes.Buffer) *slog.Logger { return New(out, JSON, slog.LevelDebug) },
		"a terminal": func(out *bytes.Buffer) *slog.Logger { return slog.New(pleasant(out, slog.LevelDebug, false)) },
	} {
		var out bytes.Buffer
		log(&out).With("name", token).Debug("message with "+token, "path", "/"+token, "err", errors.New("got "+token), slog.Group("more", "text", token))
		if strings.Contains(out.String(), token[9:]) || strings.Count(out.String(), "flowring_...") != 5 {
			t.Errorf("%s: the line is %q, want the mark of the token five times", name, &out)
		}
	}
}
