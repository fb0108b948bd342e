package staged

import (
	"errors"
	"io/fs"
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
