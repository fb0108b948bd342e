package journal

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ErrMissing says that the folder is not the one that was opened: it is gone, was made anew, or lies under another mount. A process
// can go on writing to the files of a folder that is gone, and none of it is there after a restart.
var ErrMissing = errors.New("the data folder is missing")

// identity tells a file or folder from any other that has, or had, its path. Pebble keeps both files open for as long as the journal
// is open, so that no other one comes by the same inode meanwhile.
type identity struct {
	device vfs.DeviceID
	inode  uint64
}

// watched are the folder and the file in it that is there from the beginning to the end.
func (j *Journal) watched() [2]string { return [2]string{j.dir, j.fs.PathJoin(j.dir, "LOCK")} }

// identify returns the identities of what is at the watched paths.
func (j *Journal) identify() (ids [2]identity, err error) {
	for i, path := range j.watched() {
		info, err := j.fs.Stat(path)
		if err != nil {
			return ids, err
		}
		ids[i] = identity{info.DeviceID(), inodeOf(info)}
	}
	return ids, nil
}

// CheckFolder compares the folder with the one that was opened. From the first difference on, no write succeeds, and Missing says why:
// files that Pebble made meanwhile may be in another folder, so only a restart can tell what is there.
func (j *Journal) CheckFolder() error {
	if err := j.Missing(); err != nil {
		return err
	}
	ids, err := j.identify()
	if err == nil && ids == j.opened {
		return nil
	}
	cause := fmt.Errorf("%w: %s is another folder than the one that was opened", ErrMissing, j.dir)
	if err != nil {
		cause = fmt.Errorf("%w: %w", ErrMissing, err)
	}
	j.missing.CompareAndSwap(nil, &cause)
	return j.Missing()
}

// Missing returns an ErrMissing once CheckFolder has found a difference, and nil before.
func (j *Journal) Missing() error {
	if cause := j.missing.Load(); cause != nil {
		return *cause
	}
	return nil
}
