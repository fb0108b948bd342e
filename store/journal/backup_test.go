package journal

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"flowring/flow"
	"flowring/store/journal/faultfs"
	"flowring/store/journal/inventory"
)

// A backup has all batches of a moment, whether they are in tables or in the log, and its own version.
func TestABackupHasAllBatches(t *testing.T) {
	mem := vfs.NewMem()
	j := open(t, mem)
	appendDots(t, j, 1, 2)
	if err := errors.Join(j.RaiseVersion(2), j.db.Flush()); err != nil {
		t.Fatal(err)
	}
	appendDots(t, j, 3)
	if err := j.Backup("backups/one"); err != nil {
		t.Fatal(err)
	}
	appendDots(t, j, 4)
	if err := j.Backup("backups/one"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Backup to a taken name = %v, want %v", err, fs.ErrExist)
	}
	if done, all := j.BackupProgress("backups/one"); done == 0 || all < done {
		t.Errorf("BackupProgress = %d of %d, want its size", done, all)
	}
	if names, err := mem.List("backups"); err != nil || len(names) != 1 {
		t.Errorf("the folder has %v, %v, want the backup alone", names, err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]int{"backups/one": 3, "data": 4} {
		after, err := Open(dir, Options{FS: mem})
		if err != nil {
			t.Fatalf("open %s: %v", dir, err)
		}
		if got := countDots(t, after); got != want || after.Version() != 2 {
			t.Errorf("%s has %d batches and version %d, want %d and 2", dir, got, after.Version(), want)
		}
		if err := after.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Pebble takes a log that is cut short for the log of a crash. The list of the files shows that it is not. A node that has
// opened the folder goes on writing, so its folder is no backup any more.
func TestABackupWithoutTheEndOfItsLogIsDamaged(t *testing.T) {
	mem := vfs.NewMem()
	j := open(t, mem)
	appendDots(t, j, 1, 2)
	for _, dir := range []string{"cut", "whole"} {
		if err := j.Backup(dir); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	check := func(dir string) error {
		j, err := OpenReadOnly(dir, Options{FS: mem})
		if err != nil {
			return err
		}
		return errors.Join(j.CheckState(), j.Close())
	}
	if err := check("whole"); err != nil {
		t.Errorf("a whole backup: %v", err)
	}
	names, err := mem.List("cut")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".log") {
			if f, err := mem.Create("cut/"+name, vfs.WriteCategoryUnspecified); err != nil || f.Close() != nil {
				t.Fatal(err)
			}
		}
	}
	if err := check("cut"); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a backup without its log: %v, want %v", err, ErrCorrupt)
	}
	after, err := Open("whole", Options{FS: mem})
	if err != nil {
		t.Fatal(err)
	}
	appendDots(t, after, 3)
	if err := errors.Join(after.Close(), check("whole")); err != nil {
		t.Errorf("the folder of a node that began with a backup: %v", err)
	}
}

// After a loss of power at any moment of a backup, a folder of its name is whole, and what else is there cannot be opened
// as a journal. Without the rename at the end, some folder would pass for a whole one.
func TestACrashDuringABackupLeavesNoFolderThatPasses(t *testing.T) {
	for _, safe := range []bool{true, false} {
		passes := 0
		for at := 1; ; at++ {
			mem, n := vfs.NewCrashableMem(), 0
			var image *vfs.MemFS
			active := false
			rng := rand.New(rand.NewPCG(uint64(at), 1))
			j := open(t, faultfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if active && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
					if n++; n == at {
						image = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rng})
					}
				}
				return nil
			})))
			appendDots(t, j, 1, 2)
			if err := j.db.Flush(); err != nil {
				t.Fatal(err)
			}
			appendDots(t, j, 3)
			active = true
			var err error
			if safe {
				err = j.Backup("backups/one")
			} else {
				err = j.checkpoint("backups/one")
			}
			active = false
			if err := errors.Join(err, j.Close()); err != nil {
				t.Fatal(err)
			}
			if image == nil { // fewer operations than that
				if at < 10 {
					t.Fatalf("a backup has %d operations", at)
				}
				break
			}
			passes += foldersThatPass(t, image)
		}
		if passes > 0 == safe {
			t.Errorf("with the rename %t, %d folders that are not whole pass for a whole one", safe, passes)
		}
	}
}

// A backup of which Backup has said that it is made is there after a loss of power, with the list of its files.
func TestABackupOutlivesALossOfPower(t *testing.T) {
	mem := vfs.NewCrashableMem()
	if err := mem.MkdirAll("backups", 0o700); err != nil {
		t.Fatal(err)
	}
	root, err := mem.OpenDir("")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(root.Sync(), root.Close()); err != nil {
		t.Fatal(err)
	}
	j := open(t, mem)
	appendDots(t, j, 1, 2)
	if err := j.Backup("backups/one"); err != nil {
		t.Fatal(err)
	}
	image := mem.CrashClone(vfs.CrashCloneCfg{})
	if _, err := image.Stat("backups/one/" + inventory.File); err != nil {
		t.Errorf("after the loss of power the list of the files: %v", err)
	}
	after, err := OpenReadOnly("backups/one", Options{FS: image})
	if err != nil {
		t.Fatal(err)
	}
	if got := countDots(t, after); got != 2 {
		t.Errorf("after the loss of power the backup has %d batches, want 2", got)
	}
	if err := after.Close(); err != nil {
		t.Fatal(err)
	}
}

// foldersThatPass returns the number of folders that can be opened as a journal and lack a batch.
func foldersThatPass(t *testing.T, mem *vfs.MemFS) (n int) {
	t.Helper()
	names, err := mem.List("backups")
	if errors.Is(err, fs.ErrNotExist) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		files, _ := mem.List("backups/" + name)
		if len(files) == 0 {
			continue // as good as a missing one; List may fail for a folder whose making was cut short
		}
		j, err := Open("backups/"+name, Options{FS: mem})
		if err != nil {
			continue
		}
		if got := countDots(t, j); got != 3 {
			t.Logf("%s had %v and has %d batches", name, files, got)
			n++
		}
		if err := errors.Join(j.RemoveUnfinished("backups"), j.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

func appendDots(t *testing.T, j *Journal, seqs ...uint64) {
	t.Helper()
	for _, seq := range seqs {
		b := &flow.Batch{Slice: flow.Slice{Hour: 1}, Dot: flow.Dot{Origin: 1, Seq: seq}}
		if err := j.Append(flow.Written{Batch: b, Bytes: []byte("batch")}); err != nil {
			t.Fatal(err)
		}
	}
}

func countDots(t *testing.T, j *Journal) (n int) {
	t.Helper()
	if err := j.Dots(flow.Slice{Hour: 1}, func(flow.Dot) error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}
