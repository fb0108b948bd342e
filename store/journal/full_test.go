package journal

import (
	"bytes"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"flowring/flow"
	"flowring/store/journal/faultfs"
)

// withoutRoom returns a file system that accepts no tables while full is set, like a full disk.
func withoutRoom(fs vfs.FS, full *atomic.Bool) vfs.FS {
	return faultfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if full.Load() && op.Kind == errorfs.OpCreate && filepath.Ext(op.Path) == ".sst" {
			return syscall.ENOSPC
		}
		return nil
	}))
}

// Pebble itself would retry for ever. All batches are there after the disk has room again (P13).
func TestOpenGivesUpOnAFullDisk(t *testing.T) {
	acked := flow.Dot{Origin: 1, Seq: 1}
	for name, before := range map[string]func(t *testing.T, fs vfs.FS){
		"a new journal": func(*testing.T, vfs.FS) {},
		"a journal after a crash": func(t *testing.T, fs vfs.FS) {
			j := open(t, fs)
			appendTo(t, j, hour, acked, acked.String())
		},
	} {
		t.Run(name, func(t *testing.T) {
			mem := vfs.NewCrashableMem()
			before(t, mem)
			disk := mem.CrashClone(vfs.CrashCloneCfg{})
			var full atomic.Bool
			full.Store(true)
			var log bytes.Buffer
			opened := make(chan error, 1)
			go func() {
				_, err := Open("data", Options{FS: withoutRoom(disk, &full), Log: slog.New(slog.NewTextHandler(&log, nil))})
				opened <- err
			}()
			select {
			case err := <-opened:
				if !errors.Is(err, ErrFull) || !errors.Is(err, syscall.ENOSPC) {
					t.Errorf("Open on a full disk: %v, want %v", err, ErrFull)
				}
			case <-time.After(patience):
				full.Store(false)
				t.Fatal("Open on a full disk does not return")
			}
			if got := strings.Count(log.String(), "background work of the journal failed"); got != 1 {
				t.Errorf("%d lines say that background work failed, want one:\n%s", got, log.String())
			}
			full.Store(false) // ends the attempt that was given up
			after := reopen(t, disk)
			if name == "a new journal" {
				return
			}
			if lost := missing(t, after, []flow.Dot{acked}); len(lost) > 0 {
				t.Errorf("lost %v", lost)
			}
		})
	}
}

// patience is the time for an event to happen. It is no bar: a busy machine may be slow.
const patience = 5 * time.Minute

// reopen opens a journal as soon as an attempt that was given up has unlocked it.
func reopen(t *testing.T, fs vfs.FS) *Journal {
	t.Helper()
	for begun := time.Now(); ; <-time.After(10 * time.Millisecond) {
		j, err := Open("data", Options{FS: fs})
		if err == nil {
			t.Cleanup(func() { j.Close() })
			return j
		}
		if time.Since(begun) > patience {
			t.Fatal(err)
		}
	}
}

func TestOpenNeedsRoomOnTheDisk(t *testing.T) {
	for _, test := range []struct {
		free, total uint64
		want        error
	}{{minRoom - 1, 1 << 30, ErrFull}, {0, 1 << 30, ErrFull}, {minRoom, 1 << 30, nil}, {0, 0, nil}} {
		fs := vfs.NewMem()
		fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: test.free, TotalBytes: test.total})
		j, err := Open("data", Options{FS: fs})
		if !errors.Is(err, test.want) {
			t.Errorf("Open with %d of %d bytes free: %v, want %v", test.free, test.total, err, test.want)
		}
		if err == nil {
			j.Close()
		}
	}
}
