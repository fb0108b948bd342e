package journal

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ErrMissing says that the path no longer leads to the folder that was opened: the folder was deleted, replaced, or
// hidden by a mount. A process can still write to the files of a deleted folder, and the writes are lost after a
// restart.
var ErrMissing = errors.New("the data folder is missing")

// identity distinguishes a file or folder from any other one at the same path. Pebble keeps the watched files open,
// so that no other file gets their inodes while the journal is open.
type identity struct {
	device vfs.DeviceID
	inode  uint64
}

// watchedPaths returns the folder and its lock file, which exists as long as the journal is open.
func (j *Journal) watchedPaths() [2]string { return [2]string{j.dir, j.fs.PathJoin(j.dir, "LOCK")} }

// identify returns the identities of the files at the watched paths.
func (j *Journal) identify() (ids [2]identity, err error) {
	for i, path := range j.watchedPaths() {
		info, err := j.fs.Stat(path)
		if err != nil {
			return ids, err
		}
		ids[i] = identity{info.DeviceID(), inodeOf(info)}
	}
	return ids, nil
}

// CheckFolder compares the folder with the one that was opened. After the first difference no write succeeds, and
// Missing returns the reason. Only a restart helps, because files that Pebble made meanwhile may be in another
// folder.
func (j *Journal) CheckFolder() error {
	if err := j.Missing(); err != nil {
		return err
	}
	ids, err := j.identify()
	if err == nil && ids == j.identities {
		return nil
	}
	cause := fmt.Errorf("%w: %s is not the folder that was opened", ErrMissing, j.dir)
	if err != nil {
		cause = fmt.Errorf("%w: %w", ErrMissing, err)
	}
	j.missing.CompareAndSwap(nil, &cause)
	return j.Missing()
}

// Missing returns an ErrMissing if CheckFolder has found a difference, and nil otherwise.
func (j *Journal) Missing() error {
	if cause := j.missing.Load(); cause != nil {
		return *cause
	}
	return nil
}
