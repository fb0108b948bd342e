package journal

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2"
)

// A journal whose folder was replaced accepts no write any more, even if the old folder returns (P13).
func TestNothingIsWrittenToAFolderThatIsMissing(t *testing.T) {
	do := func(steps ...error) error { return errors.Join(steps...) }
	for name, lose := range map[string]func(dir string) error{
		"removed":                 func(dir string) error { return os.RemoveAll(dir) },
		"removed with its parent": func(dir string) error { return os.RemoveAll(filepath.Dir(dir)) },
		"moved away":              func(dir string) error { return os.Rename(dir, dir+"-away") },
		"made anew":               func(dir string) error { return do(os.RemoveAll(dir), os.Mkdir(dir, 0o700)) },
		"under another one, as by mount": func(dir string) error {
			return do(os.Rename(dir, dir+"-below"), os.CopyFS(dir, os.DirFS(dir+"-below")))
		},
		"emptied": func(dir string) error {
			names, err := filepath.Glob(filepath.Join(dir, "*"))
			for _, name := range names {
				err = do(err, os.Remove(name))
			}
			return err
		},
		"a file": func(dir string) error { return do(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "parent", "data")
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			j, err := Open(dir, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer j.Close()
			set := func() error {
				return j.commit(pebble.Sync, func(b *pebble.Batch) error { return b.Set([]byte("s1"), nil, nil) })
			}
			if err := errors.Join(set(), j.CheckFolder(), j.Missing(), set()); err != nil {
				t.Fatalf("a folder as it was opened: %v", err)
			}
			if err := lose(dir); err != nil {
				t.Fatal(err)
			}
			if err := j.CheckFolder(); !errors.Is(err, ErrMissing) {
				t.Errorf("CheckFolder = %v, want %v", err, ErrMissing)
			}
			if err := set(); !errors.Is(err, ErrMissing) {
				t.Errorf("a write = %v, want %v", err, ErrMissing)
			}
			if name == "moved away" {
				if err := os.Rename(dir+"-away", dir); err != nil {
					t.Fatal(err)
				}
			}
			if err := errors.Join(j.CheckFolder(), j.Missing()); !errors.Is(err, ErrMissing) {
				t.Errorf("CheckFolder later = %v, want %v until a restart", err, ErrMissing)
			}
		})
	}
}
