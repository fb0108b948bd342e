//go:build !race

// Bubbles crash under the race detector of Go 1.26 (go.dev/issue/76691).

package journal

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// slowFS delays each fsync, so that several writers wait for the same one.
type slowFS struct {
	vfs.FS
	syncs *atomic.Int64
}

type slowFile struct {
	vfs.File
	fs slowFS
}

func (fs slowFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.Create(name, category)
	return slowFile{f, fs}, err
}

func (f slowFile) Sync() error {
	f.fs.syncs.Add(1)
	time.Sleep(5 * time.Millisecond)
	return f.File.Sync()
}

func (f slowFile) SyncData() error { return f.Sync() }

func TestConcurrentAppendsShareFsyncs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var syncs atomic.Int64
		j, err := Open("data", Options{FS: slowFS{vfs.NewMem(), &syncs}})
		if err != nil {
			t.Fatal(err)
		}
		before := syncs.Load()
		// Too few batches for a second WAL, because Pebble changes the WAL under a mutex.
		acked := writers(j, 64, func(n int64) bool { return n >= 640 })
		if got := syncs.Load() - before; got == 0 || got > int64(len(acked))/16 {
			t.Errorf("%d appends of 64 writers took %d fsyncs, want some, and at most a sixteenth", len(acked), got)
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestJournalRunsInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewCrashableMem()
		j, err := Open("data", Options{FS: fs})
		if err != nil {
			t.Fatal(err)
		}
		acked := writers(j, 4, func(n int64) bool { return n >= 100 })
		after, err := Open("data", Options{FS: fs.CrashClone(vfs.CrashCloneCfg{})})
		if err != nil {
			t.Fatal(err)
		}
		if lost := missing(t, after, acked); len(lost) > 0 {
			t.Errorf("lost %v", lost)
		}
		if err := errors.Join(j.Drop(hour), j.Close(), after.Close()); err != nil {
			t.Error(err)
		}
	})
}
