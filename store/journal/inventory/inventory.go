package inventory

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// File is the name of the list.
const File = "backup-files.json"

// ErrDiffers is the error of a folder that has lost a file of the list, or has another one in its place.
var ErrDiffers = errors.New("the backup is damaged")

// file is a file of a backup.
type file struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256,omitempty"` // empty for tables
}

// Write lists the files of a folder, and returns once the list is on disk.
func Write(disk vfs.FS, dir string) error {
	names, err := disk.List(dir)
	if err != nil {
		return err
	}
	slices.Sort(names)
	var files []file
	for _, name := range names {
		f, err := read(disk, dir, name)
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	text, err := json.MarshalIndent(files, "", "  ")
	if err != nil {
		return err
	}
	list, err := disk.Create(disk.PathJoin(dir, File), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = list.Write(append(text, '\n'))
	return errors.Join(err, list.Sync(), list.Close())
}

// Verify compares a folder with its list. Its error wraps ErrDiffers, and names the first file that differs. A folder
// without a list passes: it is no backup, or one of an older program.
func Verify(disk vfs.FS, dir string) error {
	text, err := content(disk, disk.PathJoin(dir, File))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var files []file
	if err := json.Unmarshal(text, &files); err != nil || len(files) == 0 {
		return fmt.Errorf("%w: the list %s cannot be read", ErrDiffers, File)
	}
	for _, want := range files {
		if disk.PathBase(want.Name) != want.Name {
			return fmt.Errorf("%w: the list %s names %q, which is outside of the folder", ErrDiffers, File, want.Name)
		}
		got, err := read(disk, dir, want.Name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("%w: the file %s is missing", ErrDiffers, want.Name)
		case err != nil:
			return err
		case got.Bytes != want.Bytes:
			return fmt.Errorf("%w: the file %s has %d bytes and not %d", ErrDiffers, want.Name, got.Bytes, want.Bytes)
		case got != want:
			return fmt.Errorf("%w: the content of the file %s has changed", ErrDiffers, want.Name)
		}
	}
	return nil
}

// Remove removes the list of a folder, if there is one.
func Remove(disk vfs.FS, dir string) error {
	if err := disk.Remove(disk.PathJoin(dir, File)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// read measures a file.
func read(disk vfs.FS, dir, name string) (file, error) {
	path := disk.PathJoin(dir, name)
	if strings.HasSuffix(name, ".sst") {
		info, err := disk.Stat(path)
		if err != nil {
			return file{}, err
		}
		return file{Name: name, Bytes: info.Size()}, nil
	}
	text, err := content(disk, path)
	if err != nil {
		return file{}, err
	}
	sum := sha256.Sum256(text)
	return file{name, int64(len(text)), hex.EncodeToString(sum[:])}, nil
}

// content reads a file of 64 MiB and a little more at most, as a log is.
func content(disk vfs.FS, path string) ([]byte, error) {
	f, err := disk.Open(path)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(f)
	return text, errors.Join(err, f.Close())
}
