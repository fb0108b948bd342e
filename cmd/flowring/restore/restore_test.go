package restore

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"flowring/flow"
	"flowring/store/journal"
	"flowring/store/journal/staged"
)

// backup returns a backup with a batch in a table and one in the log.
func backup(t *testing.T) string {
	t.Helper()
	j, err := journal.Open(filepath.Join(t.TempDir(), "data"), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for seq := range uint64(2) {
		p, err := flow.AddUp([]flow.Record{{Key: flow.Key{SrcApp: "a", DestApp: "b", VPCID: "v"}, Hour: 1}})
		if err != nil {
			t.Fatal(err)
		}
		b := p.Batches[0]
		b.Slice, b.Dot = flow.Slice{Hour: 1}, flow.Dot{Origin: 1, Seq: seq}
		if err := j.Append(flow.Written{Batch: b, Bytes: b.Encode()}); err != nil {
			t.Fatal(err)
		}
	}
	to := filepath.Join(t.TempDir(), "backup")
	if err := errors.Join(j.Backup(to), j.Close()); err != nil {
		t.Fatal(err)
	}
	return to
}

func run(ctx context.Context, from, to string) error {
	return Restore{From: from, To: to, Out: io.Discard, Progress: io.Discard}.Run(ctx)
}

// batches returns the number of batches in a folder, or the error of its opening.
func batches(t *testing.T, dir string) (n int, err error) {
	t.Helper()
	j, err := journal.Open(dir, journal.Options{})
	if err != nil {
		return 0, err
	}
	err = j.Dots(flow.Slice{Hour: 1}, func(flow.Dot) error { n++; return nil })
	return n, errors.Join(err, j.Close())
}

// cut is a context that ends at its nth question, as an interrupt would end a restore.
type cut struct {
	context.Context
	left int
}

func (c *cut) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// A restore that is interrupted at any file leaves a folder that no node starts on, and can be repeated. Without its mark the
// folder would pass for an empty one.
func TestAnInterruptedRestoreDoesNotPass(t *testing.T) {
	from, passes := backup(t), 0
	for n := 0; ; n++ {
		to := t.TempDir() // a mounted volume may be there
		err := run(&cut{t.Context(), n}, from, to)
		if err == nil {
			if n < 5 {
				t.Fatalf("the restore ends after %d questions", n)
			}
			if got, err := batches(t, to); got != 2 || err != nil {
				t.Errorf("the restored folder has %d batches, %v, want 2", got, err)
			}
			break
		}
		if got, err := batches(t, to); !errors.Is(err, journal.ErrFormat) || !strings.Contains(err.Error(), "repeat flowring restore") {
			t.Errorf("interrupted at %d: the folder opens with %d batches, %v, want %v with advice", n, got, err, journal.ErrFormat)
		}
		unmarked := t.TempDir()
		if err := os.CopyFS(unmarked, os.DirFS(to)); err != nil {
			t.Fatal(err)
		}
		_ = os.Remove(filepath.Join(unmarked, staged.RestoreMark))
		if got, err := batches(t, unmarked); err == nil && got < 2 {
			passes++
		}
		if err := run(t.Context(), from, to); err != nil {
			t.Errorf("interrupted at %d, the second restore = %v", n, err)
		}
		if got, err := batches(t, to); got != 2 || err != nil {
			t.Errorf("interrupted at %d, then restored: %d batches, %v, want 2", n, got, err)
		}
	}
	if passes == 0 {
		t.Error("the folder is refused without the mark too, so the mark is of no use")
	}
}

func TestAFullDiskIsNamedWithAdvice(t *testing.T) {
	r := Restore{To: "/data"}
	for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT} {
		err := r.advise(errors.Join(&fs.PathError{Op: "write", Path: "/data/000001.sst", Err: full}))
		if !errors.Is(err, full) || !strings.Contains(err.Error(), "the disk of /data is full: make room, and repeat flowring restore") {
			t.Errorf("on a full disk a restore says %v, want advice", err)
		}
	}
	if err := r.advise(fs.ErrPermission); err != fs.ErrPermission {
		t.Errorf("without permission a restore says %v, want that alone", err)
	}
}

func TestARestoreOverwritesNothing(t *testing.T) {
	from, to := backup(t), t.TempDir()
	if err := os.WriteFile(filepath.Join(to, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), from, to); err == nil || !strings.Contains(err.Error(), "move its folder away") {
		t.Errorf("a restore into a folder with a file = %v, want a refusal with advice", err)
	}
	if err := run(t.Context(), t.TempDir(), filepath.Join(t.TempDir(), "new")); !errors.Is(err, journal.ErrFormat) {
		t.Errorf("a restore of an empty folder = %v, want %v", err, journal.ErrFormat)
	}
}
