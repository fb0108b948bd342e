package log

import (
	"bytes"
	"errors"
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

func TestALineAboutARequestHasItsID(t *testing.T) {
	var out bytes.Buffer
	id := trace.New()
	New(&out, "text", slog.LevelInfo).InfoContext(trace.With(t.Context(), id), "peer call refused")
	if !strings.HasSuffix(out.String(), " request="+id.String()+"\n") {
		t.Errorf("the line is %q, want the ID %v at its end", &out, id)
	}
}
