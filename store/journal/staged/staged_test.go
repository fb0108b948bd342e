package staged

import (
	"errors"
	"io/fs"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// A disk that does not answer has no folder of the name for sure: its error is not that the folder exists.
func TestAFolderThatCannotBeLookedUpIsNoFolder(t *testing.T) {
	disk := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpStat {
			return errorfs.ErrInjected
		}
		return nil
	}))
	unused := func(string) error { t.Error("a folder is made"); return nil }
	if err := Make(disk, "one", unused, unused); !errors.Is(err, errorfs.ErrInjected) || errors.Is(err, fs.ErrExist) {
		t.Errorf("Make = %v, want the error of the disk alone", err)
	}
}

// A crash leaves the folder in which another one was being made. The next Make of the name, or RemoveUnfinished, removes it,
// and Make removes its own after an error.
func TestUnfinishedFoldersAreRemoved(t *testing.T) {
	failed := errors.New("no room")
	room := func(string) error { return nil }
	fill := func(disk vfs.FS, err error) func(string) error {
		return func(dir string) error {
			if _, old := disk.Stat(dir); !errors.Is(old, fs.ErrNotExist) {
				t.Errorf("fill gets a folder that exists: %v", old)
			}
			return errors.Join(disk.MkdirAll(dir, 0o700), err)
		}
	}
	for name, tt := range map[string]struct {
		call func(disk vfs.FS) error
		want error
		left []string
	}{
		"Make of the name":  {func(disk vfs.FS) error { return Make(disk, "dir/one", room, fill(disk, nil)) }, nil, []string{"one"}},
		"a Make that fails": {func(disk vfs.FS) error { return Make(disk, "dir/one", room, fill(disk, failed)) }, failed, nil},
		"a Make that has no room": {func(disk vfs.FS) error {
			return Make(disk, "dir/one", func(string) error { return failed }, fill(disk, nil))
		}, failed, nil},
		"RemoveUnfinished": {func(disk vfs.FS) error { return RemoveUnfinished(disk, "dir") }, nil, nil},
	} {
		disk := vfs.NewMem()
		if err := disk.MkdirAll("dir/one"+unfinished+"/"+content, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := tt.call(disk); !errors.Is(err, tt.want) {
			t.Errorf("%s = %v, want %v", name, err, tt.want)
		}
		if left, err := disk.List("dir"); err != nil || !slices.Equal(left, tt.left) {
			t.Errorf("%s leaves %v, %v, want %v", name, left, err, tt.left)
		}
	}
}

// A folder of which Make has returned is there after a loss of power, although its parents are new, too.
func TestAFolderOutlivesALossOfPower(t *testing.T) {
	none := func(string) error { return nil }
	for _, to := range []string{"one", "dir/one", "dir/in/one"} {
		disk := vfs.NewCrashableMem()
		fill := func(dir string) error { return disk.MkdirAll(dir, 0o700) }
		if err := Make(disk, to, none, fill); err != nil {
			t.Fatal(err)
		}
		if _, err := disk.CrashClone(vfs.CrashCloneCfg{}).Stat(to); err != nil {
			t.Errorf("after a loss of power: %v, want the folder %s", err, to)
		}
	}
}
