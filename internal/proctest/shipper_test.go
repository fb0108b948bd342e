//go:build linux

package proctest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const envSenders = "FLOWRING_SENDERS"

// shipped is a file with lines of goflow2, of 100 bytes of traffic each, all within one hour.
type shipped struct {
	file  string
	lines int
	hour  int
}

func newShipped(t *testing.T) shipped {
	t.Helper()
	begin := int(time.Date(2026, 11, 30, 7, 0, 0, 0, time.UTC).Unix())
	s := shipped{lines: 30, hour: begin / 3600}
	var text strings.Builder
	for i := range s.lines {
		fmt.Fprintf(&text, goflowForm+"\n", begin+i)
	}
	s.file = write(t, "flows.json", text.String())
	return s
}

// lostOnce waits until a shipper has delivered each line although so many answers were lost, and compares the total.
func (w *way) lostOnce(s shipped, lost int) {
	w.t.Helper()
	w.c.eventually(func() error {
		if n := len(w.arrived()); n < s.lines+lost {
			return fmt.Errorf("%d POSTs came, want %d lines and %d repetitions", n, s.lines, lost)
		}
		bodies := map[string]bool{}
		for _, a := range w.arrived() {
			bodies[string(a.body)] = true
		}
		if len(bodies) < s.lines {
			return fmt.Errorf("%d different bodies came, want %d", len(bodies), s.lines)
		}
		return nil
	})
	if got, want := w.bytes(goflowHour(s.hour*3600)), int64(100*s.lines); got != want {
		w.t.Errorf("%d POSTs of %d lines, %d of them with a lost answer, count %d bytes, want %d",
			len(w.arrived()), s.lines, lost, got, want)
	}
}

// TestLostAnswersOfSyslogNG: the configuration of docs/integrations/syslog-ng.md.
func TestLostAnswersOfSyslogNG(t *testing.T) {
	t.Parallel()
	needPrograms(t, "syslog-ng")
	c := newCluster(t, 3, 3)
	c.start()
	w, s := newWay(c), newShipped(t)
	w.loseAnswers(2)
	dir := t.TempDir()
	file := write(t, "syslog-ng.conf", guide(t, "syslog-ng.md", "@version", "/var/log/goflow2/flows.json", s.file,
		"n1.example:8080", w.addr(0), "n2.example:8080", w.addr(1)))
	background(t, "syslog-ng", "-F", "-e", "--no-caps", "-f", file, "-R", filepath.Join(dir, "persist"),
		"-c", filepath.Join(dir, "control"), "-p", filepath.Join(dir, "pid"))
	w.lostOnce(s, 2)
}

// TestLostAnswersOfTelegraf: the configuration of docs/integrations/telegraf.md.
func TestLostAnswersOfTelegraf(t *testing.T) {
	t.Parallel()
	telegraf := buildSender(t, "telegraf")
	c := newCluster(t, 3, 3)
	c.start()
	w, s := newWay(c), newShipped(t)
	w.loseAnswers(2)
	background(t, telegraf, write(t, "telegraf.conf", guide(t, "telegraf.md", "[agent]", "/var/log/goflow2/flows.json", s.file,
		"flows.example:8080", w.addr(0))))
	w.lostOnce(s, 2)
}

// buildSender builds a program of the folder senders, whose libraries the program of Flowring does not need.
func buildSender(t *testing.T, name string) string {
	t.Helper()
	skipShort(t)
	if os.Getenv(envSenders) != "1" {
		t.Skip(envSenders + "=1 downloads and builds other programs, and tests them")
	}
	binary := filepath.Join(t.TempDir(), name)
	if out, err := exec.Command("go", "build", "-C", "senders/"+name, "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v: %s", name, err, out)
	}
	return binary
}
