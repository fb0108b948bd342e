package journal

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"flowring/internal/compat"
	"flowring/store/journal/entry"
	"flowring/store/journal/faultfs"
)

// opensAs opens a journal with a program that speaks versions 1 to newest.
func opensAs(dir string, newest compat.Version) (*Journal, error) {
	return Open(dir, Options{Speaks: compat.Range{Oldest: 1, Newest: newest}})
}

// raised makes a journal of a version in a new folder.
func raised(t *testing.T, v compat.Version) (dir string) {
	t.Helper()
	dir = t.TempDir()
	j, err := opensAs(dir, v)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(j.SetState("roster", []byte("of the journal")), j.RaiseVersion(v), j.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// contentOf returns each file of a folder with its permissions and a hash of its bytes.
func contentOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		files[path] = fmt.Sprintf("%s %s %x", info.Mode(), info.ModTime(), sha256.Sum256(data))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestAFolderOfANewerVersionIsRefusedUntouched(t *testing.T) {
	dir := raised(t, 3)
	before := contentOf(t, dir)
	for range 2 {
		_, err := opensAs(dir, 2)
		want := "the data folder has version 3, this program reads versions 1 to 2"
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want) {
			t.Fatalf("Open = %v, want %q", err, want)
		}
	}
	if after := contentOf(t, dir); len(before) < 4 || !maps.Equal(before, after) {
		t.Errorf("the refusal changed the folder: %v, before %v", after, before)
	}
	j, err := opensAs(dir, 3)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := j.State("roster"); string(got) != "of the journal" || err != nil || j.Version() != 3 {
		t.Errorf("the new program reads %q, %v of version %d, want the state of version 3", got, err, j.Version())
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

// A newer program may use a newer Pebble, whose refusal would not name the versions.
func TestAFolderOfANewerPebbleIsRefusedByName(t *testing.T) {
	dir := raised(t, 3)
	markers, err := filepath.Glob(filepath.Join(dir, "marker.format-version.*"))
	if err != nil || len(markers) != 1 {
		t.Fatalf("markers of Pebble: %v, %v, want one", markers, err)
	}
	if err := os.Rename(markers[0], filepath.Join(dir, "marker.format-version.999999.999")); err != nil {
		t.Fatal(err)
	}
	if _, err := opensAs(dir, 2); err == nil || !strings.Contains(err.Error(), "has version 3") {
		t.Errorf("Open = %v, want the versions", err)
	}
	if _, err := opensAs(dir, 3); err == nil {
		t.Error("Open of a folder of a newer Pebble = nil, want an error")
	}
}

// A program before versions reads only the key.
func TestAProgramBeforeVersionsRefusesANewerFolder(t *testing.T) {
	for v, want := range map[compat.Version]string{1: "flowring journal, format 2", 2: "flowring journal, format 3"} {
		j, err := opensAs(raised(t, v), v)
		if err != nil {
			t.Fatal(err)
		}
		value, closer, err := j.db.Get([]byte{entry.Format})
		if err != nil || string(value) != want {
			t.Errorf("the format of version %d is %q, %v, want %q", v, value, err, want)
		}
		if err := errors.Join(closer.Close(), j.Close()); err != nil {
			t.Error(err)
		}
	}
}

// The folder of a program before versions has no file with the version.
func TestAFolderFromBeforeVersionsHasVersion1(t *testing.T) {
	dir := raised(t, 1)
	names, err := filepath.Glob(filepath.Join(dir, "marker."+versionMarker+".*"))
	if err != nil || len(names) != 1 || !strings.HasSuffix(names[0], ".1") {
		t.Fatalf("files with the version: %v, %v, want one that ends with 1", names, err)
	}
	if err := os.Remove(names[0]); err != nil {
		t.Fatal(err)
	}
	j, err := opensAs(dir, 2)
	if err != nil {
		t.Fatal(err)
	}
	if j.Version() != 1 {
		t.Errorf("Version = %d, want 1", j.Version())
	}
	if err := errors.Join(j.RaiseVersion(2), j.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := opensAs(dir, 1); !errors.Is(err, ErrFormat) {
		t.Errorf("Open with the old program = %v, want %v", err, ErrFormat)
	}
}

func TestRaiseVersionRefuses(t *testing.T) {
	j, err := opensAs(t.TempDir(), 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.RaiseVersion(3); err == nil || j.Version() != 1 {
		t.Errorf("RaiseVersion(3) = %v, version %d, want an error and version 1", err, j.Version())
	}
	if err := errors.Join(j.RaiseVersion(2), j.RaiseVersion(1)); err != nil || j.Version() != 2 {
		t.Errorf("RaiseVersion(2), then 1 = %v, version %d, want 2", err, j.Version())
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

// A crash at any write of RaiseVersion leaves a folder that the new program opens, and that no old program opens once
// RaiseVersion has returned.
func TestPowerLossDuringRaiseVersion(t *testing.T) {
	mem := vfs.NewCrashableMem()
	var cuts []vfs.FS
	cutting := false
	j, err := Open("data", Options{Speaks: compat.Range{Oldest: 1, Newest: 2}, FS: faultfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if cutting && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			cuts = append(cuts, mem.CrashClone(vfs.CrashCloneCfg{}))
		}
		return nil
	}))})
	if err != nil {
		t.Fatal(err)
	}
	cutting = true
	if err := j.RaiseVersion(2); err != nil {
		t.Fatal(err)
	}
	cutting = false
	cuts = append(cuts, mem.CrashClone(vfs.CrashCloneCfg{}))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if len(cuts) < 4 {
		t.Errorf("the power was cut %d times, want at least 4", len(cuts))
	}
	for i, disk := range cuts {
		opened, old := Open("data", Options{FS: disk, Speaks: compat.Range{Oldest: 1, Newest: 1}})
		if i == len(cuts)-1 && !errors.Is(old, ErrFormat) {
			t.Errorf("after RaiseVersion an old program opens the folder: %v, want %v", old, ErrFormat)
		}
		if old == nil {
			if err := opened.Close(); err != nil {
				t.Error(err)
			}
			continue
		}
		again, err := Open("data", Options{FS: disk, Speaks: compat.Range{Oldest: 1, Newest: 2}})
		if err != nil {
			t.Errorf("cut %d: %v", i, err)
			continue
		}
		if again.Version() != 2 {
			t.Errorf("cut %d: an old program refuses a folder of version %d", i, again.Version())
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A disk that fails while the version rises is fatal, like any other failed write.
func TestAFailedFsyncOfTheVersionIsFatal(t *testing.T) {
	fatal := 0
	failing := false
	disk := faultfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if failing && op.Kind == errorfs.OpFileSync {
			return errorfs.ErrInjected
		}
		return nil
	}))
	j, err := Open("data", Options{FS: disk, Fatal: func(error) { fatal++ }, Speaks: compat.Range{Oldest: 1, Newest: 2}})
	if err != nil {
		t.Fatal(err)
	}
	failing = true
	func() {
		defer func() { recover() }()
		if err := j.RaiseVersion(2); err == nil {
			t.Error("RaiseVersion on a failing disk = nil, want an error")
		}
	}()
	if fatal != 1 || j.Version() != 1 {
		t.Errorf("Fatal was called %d times, version %d, want once and version 1", fatal, j.Version())
	}
	failing = false
	_ = j.Close()
}

func TestADamagedVersionIsRefused(t *testing.T) {
	dir := raised(t, 1)
	if err := os.WriteFile(filepath.Join(dir, "marker."+versionMarker+".000009.x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := opensAs(dir, 1); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), `"x"`) {
		t.Errorf("Open = %v, want %v with the version", err, ErrCorrupt)
	}
	other := raised(t, 1)
	makeJournal(t, other, func(db *pebble.DB) error { return db.Set([]byte{entry.Format}, []byte(formatPrefix+"1"), pebble.Sync) })
	if _, err := opensAs(other, 1); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "format 1, the oldest that this program reads is 2") {
		t.Errorf("Open of format 1 = %v, want %v with the formats", err, ErrFormat)
	}
}
