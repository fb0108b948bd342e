package journal

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"flowring/flow"
	"flowring/internal/compat"
	"flowring/store/journal/entry"
)

func TestOpenRefusesOtherFoldersThanJournals(t *testing.T) {
	tests := []struct {
		name string
		make func(t *testing.T, dir string)
		want error
		says string
	}{
		{"a folder with somebody's files", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "thesis.txt"), "draft")
		}, ErrFormat, `"thesis.txt"`},
		{"a Pebble database of another program", func(t *testing.T, dir string) {
			db, err := pebble.Open(dir, &pebble.Options{Logger: logger{newJournal(dir, Options{})}})
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(db.Set([]byte("k"), []byte("v"), pebble.Sync), db.Close()); err != nil {
				t.Fatal(err)
			}
		}, ErrFormat, "another program"},
		{"a journal of a later format", func(t *testing.T, dir string) {
			makeJournal(t, dir, func(db *pebble.DB) error {
				return db.Set([]byte{entry.Format}, []byte(formatPrefix+"9"), pebble.Sync)
			})
		}, ErrFormat, "the data folder has version 8, this program reads " + compat.Spoken().String()},
		{"a journal whose format is damaged", func(t *testing.T, dir string) {
			makeJournal(t, dir, func(db *pebble.DB) error {
				return db.Set([]byte{entry.Format}, []byte("flowrong"), pebble.Sync)
			})
		}, ErrCorrupt, `"flowrong"`},
		{"a journal without a format", func(t *testing.T, dir string) {
			makeJournal(t, dir, func(db *pebble.DB) error {
				return errors.Join(db.Set([]byte("s"), nil, pebble.Sync), db.Delete([]byte{entry.Format}, pebble.Sync))
			})
		}, ErrFormat, "no format"},
		{"a damaged manifest", func(t *testing.T, dir string) {
			makeJournal(t, dir, func(*pebble.DB) error { return nil })
			manifests, _ := filepath.Glob(filepath.Join(dir, "MANIFEST-*"))
			for _, name := range manifests {
				write(t, name, strings.Repeat("x", 100))
			}
		}, ErrCorrupt, ""},
		{"a path that is a file", func(t *testing.T, dir string) {
			if err := os.Remove(dir); err != nil {
				t.Fatal(err)
			}
			write(t, dir, "")
		}, nil, "not a directory"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			test.make(t, dir)
			for range 2 { // the first attempt must not leave a lock
				j, err := Open(dir, Options{})
				if err == nil {
					j.Close()
					t.Fatal("Open succeeded, want an error")
				}
				if test.want != nil && !errors.Is(err, test.want) || !strings.Contains(fmt.Sprint(err), test.says) {
					t.Errorf("Open: %v, want %v with %s", err, test.want, test.says)
				}
				if !strings.Contains(err.Error(), dir) {
					t.Errorf("Open: %v, want it to name the folder", err)
				}
			}
		})
	}
}

func makeJournal(t *testing.T, dir string, change func(*pebble.DB) error) {
	t.Helper()
	j, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(change(j.db), j.Close()); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOpenLeavesAForeignFolderAlone(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "notes.md"), "mine")
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrFormat) {
		t.Errorf("Open: %v, want %v", err, ErrFormat)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) != 1 {
		t.Errorf("the folder has %v, want notes.md alone", names)
	}
}

// harmless are names of files from desktops, file systems and people.
var harmless = [...]string{
	".DS_Store", "._MANIFEST-000001", ".localized", "Thumbs.db", "desktop.ini", ".directory", ".nfs000000000012ab3400000001", ".fuse_hidden0001",
	".Trash-1000", ".snapshot", "README", "core.4711", "nohup.out",
}

// A journal opens beside a harmless file. A folder with such a file and without a journal is refused.
func TestHarmlessFilesAreReportedAndLeftAlone(t *testing.T) {
	for _, name := range harmless {
		fresh := t.TempDir()
		write(t, filepath.Join(fresh, name), "")
		if j, err := Open(fresh, Options{}); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), strconv.Quote(name)) {
			t.Errorf("Open of a new folder with %s: %v, %v, want %v that names it", name, j, err, ErrFormat)
		}
	}
	dir := t.TempDir()
	makeJournal(t, dir, func(*pebble.DB) error { return nil })
	for i, name := range harmless {
		if i%2 == 0 {
			write(t, filepath.Join(dir, name), "mine")
		} else if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // a journal beside such files opens again
		var log bytes.Buffer
		j, err := Open(dir, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatalf("Open of a journal beside other files: %v", err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		for _, name := range harmless {
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil || !strings.Contains(log.String(), name) {
				t.Errorf("%s: %v; want it left alone and in the log: %s", name, err, &log)
			}
		}
		if !strings.Contains(log.String(), "level=WARN") {
			t.Errorf("the log says %s, want a warning", &log)
		}
	}
}

// The error of a damaged journal names the damage, and not the foreign files beside it.
func TestForeignFilesDoNotHideTheDamageOfAJournal(t *testing.T) {
	dir := t.TempDir()
	makeJournal(t, dir, func(db *pebble.DB) error { return db.Set([]byte{entry.Format}, []byte(formatPrefix+"9"), pebble.Sync) })
	write(t, filepath.Join(dir, ".DS_Store"), "")
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "version 8") {
		t.Errorf("Open: %v, want it to name version 8", err)
	}
}

func TestOpenAcceptsTheRootOfAVolume(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "lost+found"), 0o700); err != nil {
		t.Fatal(err)
	}
	makeJournal(t, dir, func(*pebble.DB) error { return nil })
}

func TestOneFolderIsOpenOnlyOnce(t *testing.T) {
	dir := t.TempDir()
	first, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("Open of an open folder: %v, want %v", err, ErrLocked)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	makeJournal(t, dir, func(*pebble.DB) error { return nil })
}

func TestOpenMakesTheFolderDurably(t *testing.T) {
	fs := vfs.NewCrashableMem()
	j, err := Open("srv/flowring/data", Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	appendTo(t, j, flow.Slice{Hour: 1}, flow.Dot{Origin: 1, Seq: 1}, "batch")
	after, err := Open("srv/flowring/data", Options{FS: fs.CrashClone(vfs.CrashCloneCfg{})})
	if err != nil {
		t.Fatal(err)
	}
	defer after.Close()
	if got := loadAll(t, after, flow.Slice{Hour: 1}); len(got) != 1 {
		t.Errorf("Load after a power loss = %q, want the batch", got)
	}
}

func TestFreeBytesAreThoseOfTheFolder(t *testing.T) {
	dir := t.TempDir()
	j, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if free, total, err := j.FreeBytes(); err != nil || free == 0 || free > total {
		t.Errorf("FreeBytes() = %d, %d, %v, want 0 < free <= total", free, total, err)
	}
}

// Pebble finds damage to the files themselves. The error says so.
func TestDamagedFilesAreRefused(t *testing.T) {
	tests := []struct {
		name, files string
		flush       bool
	}{
		{"a table", "*.sst", true},
		{"a WAL", "*.log", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "copy")
			damagedCopy(t, dir, test.files, test.flush)
			j, err := Open(dir, Options{})
			if err == nil {
				defer j.Close()
				err = j.Load(hour, func([]byte) error { return nil })
			}
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("Open and Load: %v, want %v", err, ErrCorrupt)
			}
			if text := err.Error(); strings.Count(text, "mismatch") > 1 || strings.Contains(text, "carrier") {
				t.Errorf("Open and Load: %v, want the damage once, and no words of the inside of Pebble", err)
			}
		})
	}
}

// The log of background work has the damage, and no words of the inside of Pebble.
func TestDamageThatBackgroundWorkFindsIsLoggedInPlainWords(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "copy")
	damagedCopy(t, dir, "*.sst", true)
	var log strings.Builder
	j, err := Open(dir, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	it, err := j.db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for it.First(); it.Valid(); it.Next() {
	}
	if err = it.Close(); pebble.ExtractDataCorruptionInfo(err) == nil {
		t.Fatalf("the iteration ended with %v, want damage", err)
	}
	log.Reset()
	j.backgroundError(err)
	if text := log.String(); !strings.Contains(text, "checksum") || strings.Contains(text, "carrier") {
		t.Errorf("the log is %s", text)
	}
}

// damagedCopy makes a copy of a journal after a crash, and overwrites the middle of its largest file with a name.
func damagedCopy(t *testing.T, dir, files string, flush bool) {
	t.Helper()
	original := t.TempDir()
	j, err := Open(original, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	rng := rand.NewChaCha8([32]byte{1})
	batch := make([]byte, 2000)
	for seq := range uint64(100) {
		rng.Read(batch)
		appendTo(t, j, hour, flow.Dot{Origin: 1, Seq: seq + 1}, string(batch))
	}
	if flush {
		if err := j.db.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(dir, os.DirFS(original)); err != nil {
		t.Fatal(err)
	}
	names, _ := filepath.Glob(filepath.Join(dir, files))
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(content) > 100_000 && content[90_000]|content[90_001]|content[90_002] != 0 { // no empty file for later
			copy(content[90_000:], strings.Repeat("x", 5000))
			write(t, name, string(content))
			return
		}
	}
	t.Fatalf("no file of %v has all batches", names)
}
