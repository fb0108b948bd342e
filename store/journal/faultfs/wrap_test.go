package faultfs

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// The control is errorfs.Wrap alone, whose injector does not see the write.
func TestWritesOfAFileThatIsUsedAgainAreInjected(t *testing.T) {
	refuse := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileWrite {
			return errorfs.ErrInjected
		}
		return nil
	})
	for name, tt := range map[string]struct {
		wrap func(vfs.FS, errorfs.Injector) vfs.FS
		want error
	}{
		"Wrap":         {Wrap, errorfs.ErrInjected},
		"errorfs.Wrap": {func(fs vfs.FS, i errorfs.Injector) vfs.FS { return errorfs.Wrap(fs, i) }, nil},
	} {
		mem := vfs.NewMem()
		old, err := mem.Create("old", vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		if err := old.Close(); err != nil {
			t.Fatal(err)
		}
		f, err := tt.wrap(mem, refuse).ReuseForWrite("old", "new", vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte("x")); !errors.Is(err, tt.want) {
			t.Errorf("%s: a write to a file that is used again = %v, want %v", name, err, tt.want)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
