package clustertest

import (
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"flowring/internal/racetest"
	"flowring/store/journal/journaltest"
)

// lines collects the lines of a log that contain a word.
type lines struct {
	mu   sync.Mutex
	word string
	all  []string
}

func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if strings.Contains(string(line), l.word) {
		l.all = append(l.all, string(line))
	}
	return len(line), nil
}

func (l *lines) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.all
	l.all = nil
	return all
}

// A node that cannot join says so after 5 s and then every 30 s, in one warning with the text of /readyz and each
// address that failed with its reason. A node that is ready says nothing.
func TestANodeThatCannotJoinSaysWhy(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		log := &lines{word: `msg="not ready"`}
		c := New(t, Options{Seed: 1, Copies: 1, Log: slog.New(slog.NewTextHandler(log, nil))})
		defer c.Close()
		c.Start("n1", "n2", "n3")
		c.mustAgree(t, agreeWithin)
		time.Sleep(time.Minute)
		if got := log.take(); len(got) > 0 {
			t.Errorf("a cluster that is ready logs %q", got)
		}
		m := &Machine{
			Name: "x", Disk: journaltest.NewDisk(rand.New(rand.NewPCG(1, 1000))), addr: "10.250.0.1", life: make(chan struct{}, 1),
			join: []string{"10.250.0.9:7946", "none.local:7946", at(c.Addr("n1"), HTTPPort)},
		}
		c.Net.Host("10.250.0.9") // no process listens there
		c.alien = append(c.alien, m)
		if err := c.boot(m); err != nil {
			t.Fatal(err)
		}
		time.Sleep(70 * time.Second)
		got := log.take()
		if len(got) != 3 {
			t.Fatalf("%d warnings within 70 s, want 3: %q", len(got), got)
		}
		for _, want := range []string{
			`level=WARN`, `reason="not established: 1 nodes visible, 4 expected"`, "10.250.0.9:7946: connection refused",
			"none.local:7946: no such host", at(c.Addr("n1"), HTTPPort) + ": not a gossip port",
		} {
			if !strings.Contains(got[0], want) {
				t.Errorf("the warning is %q, want %q in it", got[0], want)
			}
		}
	})
}
