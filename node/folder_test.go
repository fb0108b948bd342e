package node

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"flowring/internal/racetest"
	"flowring/store/journal"
	"flowring/store/journal/journaltest"
)

// A process that finds its data folder in use waits until the other process has ended. The process of a replaced pod
// may run for a while beside the new one.
func TestAProcessWaitsForItsFolder(t *testing.T) {
	told := errors.New("told to stop")
	for _, tt := range []struct {
		name    string
		ends    time.Duration // when the other process ends
		stop    time.Duration // when this process is told to stop
		want    error
		waits   time.Duration
		longest time.Duration
	}{
		{"until the other process ends", 40 * time.Second, time.Hour, nil, 40 * time.Second, 41 * time.Second},
		{"for a minute at most", time.Hour, time.Hour, journal.ErrLocked, lockWait, lockWait + time.Second},
		{"no longer than until it is told to stop", time.Hour, 7 * time.Second, told, 7 * time.Second, 7 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				disk := journaltest.NewDisk(rand.New(rand.NewPCG(1, 1)))
				other, err := journal.Open("data", journal.Options{FS: disk.FS()})
				if err != nil {
					t.Fatal(err)
				}
				var log bytes.Buffer
				n := &Node{cfg: Config{DataDir: "data"}, deps: Deps{FS: disk.FS()}, log: slog.New(slog.NewTextHandler(&log, nil))}
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				closed := time.AfterFunc(tt.ends, func() { other.Close() })
				time.AfterFunc(tt.stop, func() { cancel(told) })
				begun := time.Now()
				j, err := n.openJournal(ctx)
				if took := time.Since(begun); !errors.Is(err, tt.want) || took < tt.waits || took > tt.longest {
					t.Errorf("openJournal = %v after %v, want %v after %v to %v", err, took, tt.want, tt.waits, tt.longest)
				}
				if lines := strings.Count(log.String(), "data folder in use"); lines != 1 {
					t.Errorf("the log has %d lines about the folder, want 1:\n%s", lines, &log)
				}
				if j != nil {
					j.Close()
				}
				if closed.Stop() {
					other.Close()
				}
			})
		})
	}
}
