package inventory

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func write(t *testing.T, disk vfs.FS, name, text string) {
	t.Helper()
	f, err := disk.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAChangedBackupDiffers(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(disk vfs.FS)
		want   error
	}{
		"nothing":             {func(vfs.FS) {}, nil},
		"a further file":      {func(d vfs.FS) { write(t, d, "LOCK", "") }, nil},
		"a table is short":    {func(d vfs.FS) { write(t, d, "1.sst", "ta") }, ErrDiffers},
		"a log is short":      {func(d vfs.FS) { write(t, d, "2.log", "lo") }, ErrDiffers},
		"a log has changed":   {func(d vfs.FS) { write(t, d, "2.log", "lag") }, ErrDiffers},
		"a file is missing":   {func(d vfs.FS) { _ = d.Remove("1.sst") }, ErrDiffers},
		"the list is damaged": {func(d vfs.FS) { write(t, d, File, "[") }, ErrDiffers},
		"the list is empty":   {func(d vfs.FS) { write(t, d, File, "") }, ErrDiffers},
		"no list":             {func(d vfs.FS) { _ = Remove(d, "") }, nil},
	} {
		disk := vfs.NewMem()
		write(t, disk, "1.sst", "table")
		write(t, disk, "2.log", "log")
		if err := Write(disk, ""); err != nil {
			t.Fatal(err)
		}
		tt.change(disk)
		if err := Verify(disk, ""); !errors.Is(err, tt.want) {
			t.Errorf("%s: Verify = %v, want %v", name, err, tt.want)
		}
	}
	if err := Remove(vfs.NewMem(), ""); err != nil {
		t.Errorf("Remove without a list = %v, want nil", err)
	}
}

// A list that passes names files of the folder alone, with their lengths.
func FuzzVerify(f *testing.F) {
	disk := vfs.NewMem()
	for name, text := range map[string]string{"1.sst": "table", "2.log": "log"} {
		file, err := disk.Create(name, vfs.WriteCategoryUnspecified)
		if err != nil {
			f.Fatal(err)
		}
		if _, err := file.Write([]byte(text)); err != nil {
			f.Fatal(err)
		}
		if err := file.Close(); err != nil {
			f.Fatal(err)
		}
	}
	if err := Write(disk, ""); err != nil {
		f.Fatal(err)
	}
	list, err := content(disk, File)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(list))
	f.Add(`[{"name":"../1.sst","bytes":5}]`)
	f.Fuzz(func(t *testing.T, text string) {
		write(t, disk, File, text)
		if Verify(disk, "") != nil {
			return
		}
		var files []file
		if err := json.Unmarshal([]byte(text), &files); err != nil {
			t.Fatalf("Verify accepts %q", text)
		}
		for _, f := range files {
			if lengths := map[string]int64{"1.sst": 5, "2.log": 3, File: int64(len(text))}; lengths[f.Name] != f.Bytes || f.Bytes == 0 {
				t.Errorf("Verify accepts %q", text)
			}
		}
	})
}
