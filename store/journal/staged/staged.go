package staged

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const unfinished, content = ".unfinished", "data"

// RestoreMark is a file that flowring restore keeps in a data folder until the folder has all of a backup.
const RestoreMark = "restore-is-unfinished"

// Make makes the folder to. fill makes the folder that it gets, and returns once that is on disk; before, room is asked
// about the folder around it. Make fails with fs.ErrExist if the name is taken.
func Make(disk vfs.FS, to string, room, fill func(dir string) error) (err error) {
	if _, err := disk.Stat(to); err == nil {
		return fs.ErrExist
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	within := to + unfinished
	if err := MakeFolder(disk, disk.PathDir(to)); err != nil {
		return err
	}
	if err := errors.Join(disk.RemoveAll(within), disk.MkdirAll(within, 0o700)); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, disk.RemoveAll(within)) }()
	if err := room(within); err != nil {
		return err
	}
	made := disk.PathJoin(within, content)
	if err := fill(made); err != nil {
		return err
	}
	if err := disk.Rename(made, to); err != nil {
		return err
	}
	return errors.Join(syncFolder(disk, to), syncFolder(disk, disk.PathDir(to)))
}

// MakeFolder makes a folder with its missing parents, and returns once all of them are on disk. A nil disk is that of
// the machine.
func MakeFolder(disk vfs.FS, dir string) error {
	if disk == nil {
		disk = vfs.Default
	}
	if _, err := disk.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := disk.PathDir(dir)
	if parent == dir {
		return nil
	}
	if err := MakeFolder(disk, parent); err != nil {
		return err
	}
	if err := disk.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncFolder(disk, parent)
}

// Size returns the bytes in the folder to, or in the folder in which it is being made; 0: there is neither.
func Size(disk vfs.FS, to string) (bytes uint64) {
	for _, dir := range []string{disk.PathJoin(to+unfinished, content), to} {
		names, err := disk.List(dir)
		if err != nil {
			continue
		}
		for _, name := range names {
			if info, err := disk.Stat(disk.PathJoin(dir, name)); err == nil {
				bytes += uint64(info.Size())
			}
		}
		return bytes
	}
	return 0
}

// RemoveUnfinished removes what crashes have left in a folder.
func RemoveUnfinished(disk vfs.FS, dir string) error {
	names, err := disk.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, name := range names {
		if strings.HasSuffix(name, unfinished) {
			err = errors.Join(err, disk.RemoveAll(disk.PathJoin(dir, name)))
		}
	}
	return err
}

func syncFolder(disk vfs.FS, dir string) error {
	d, err := disk.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
