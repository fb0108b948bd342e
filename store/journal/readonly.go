package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"flowring/store/journal/entry"
	"flowring/store/journal/inventory"
)

// OpenReadOnly opens the journal in a folder that no process uses, and changes nothing in it. Writes fail. The errors
// are those of Open, ErrFormat for a folder without a journal, and ErrCorrupt for a backup whose files are not those of
// its list.
func OpenReadOnly(dir string, options Options) (*Journal, error) {
	j := newJournal(dir, options)
	j.fs = untouched{j.fs}
	if err := j.openReadOnly(); err != nil {
		return nil, fmt.Errorf("open journal %s: %w", dir, err)
	}
	return j, nil
}

func (j *Journal) openReadOnly() error {
	if _, err := j.readMarker(); err != nil {
		return err
	}
	if found, err := pebble.Peek(j.dir, j.fs); err != nil || !found.Exists {
		return errors.Join(fmt.Errorf("%w: the folder has no journal", ErrFormat), err)
	}
	if err := inventory.Verify(j.fs, j.dir); err != nil {
		return errors.Join(ErrCorrupt, err)
	}
	if err := j.lockFolder(); err != nil {
		return err
	}
	o := j.pebbleOptions(j.fs)
	o.ReadOnly = true
	var err error
	if j.db, err = pebble.Open(j.dir, o); err != nil {
		return errors.Join(translateOpen(err), j.unlock())
	}
	version, err := j.readFormat()
	if err != nil {
		return errors.Join(err, j.db.Close(), j.unlock())
	}
	j.version.Store(int64(version))
	return nil
}

// untouched is a file system whose locks make no file. A journal that is open for writes always has its lock file.
type untouched struct{ vfs.FS }

// Lock locks an existing file on a disk that can be written.
func (u untouched) Lock(name string) (io.Closer, error) {
	if _, err := u.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return io.NopCloser(nil), nil
	}
	lock, err := u.FS.Lock(name)
	if errors.Is(err, syscall.EROFS) {
		return io.NopCloser(nil), nil
	}
	return lock, err
}

// CheckState reads what belongs to no slice: all values of the node's state, and each entry of the format, because an
// older one may stand in a table of its own. Its error wraps ErrCorrupt if something is damaged.
func (j *Journal) CheckState() error {
	return errors.Join(
		j.iterate([]byte{entry.Format}, func(it *pebble.Iterator) error {
			for it.First(); it.Valid(); it.Next() {
				if _, err := it.ValueAndErr(); err != nil {
					return fmt.Errorf("format: %w", entry.Translate(err))
				}
			}
			return nil
		}),
		j.iterate([]byte{entry.State}, func(it *pebble.Iterator) error {
			for it.First(); it.Valid(); it.Next() {
				if err := entry.Load(it, func([]byte) error { return nil }); err != nil {
					return fmt.Errorf("state %q: %w", it.Key()[1:], err)
				}
			}
			return nil
		}))
}
