package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs/atomicfs"

	"flowring/internal/compat"
	"flowring/store/journal/entry"
)

// The folder names the cluster version of its content twice:
//
//	marker.flowring-version.000002.3    an empty file, whose name ends with the version
//	key 'f'                             "flowring journal, format 4": the version and one
//
// Open reads the name of the file before anything else, so it refuses a folder of a newer version without a change,
// even if a newer Pebble has written it. Programs before versions know the key alone, and refuse each format but 2,
// which is version 1. A folder without the file is one of theirs. The file never has a lower version than the key,
// because it is written first.
const (
	versionMarker = "flowring-version"
	formatPrefix  = "flowring journal, format "
	formatAhead   = 1 // of a format, to its version
)

// Version returns the version of the folder.
func (j *Journal) Version() compat.Version { return compat.Version(j.version.Load()) }

// RaiseVersion gives the folder a version, unless its version is as high. Programs that do not speak the version refuse
// the folder afterwards. The version is on disk when RaiseVersion returns nil.
func (j *Journal) RaiseVersion(v compat.Version) error {
	j.raising.Lock()
	defer j.raising.Unlock()
	if v <= j.Version() {
		return nil
	}
	if err := j.raiseVersion(v); err != nil {
		return fmt.Errorf("give the data folder version %d: %w", v, err)
	}
	return nil
}

func (j *Journal) raiseVersion(v compat.Version) error {
	if err := errors.Join(j.speaks.Check(v), j.failure(), j.Missing()); err != nil {
		return err
	}
	if err := j.moveMarker(v); err != nil {
		return err
	}
	format := fmt.Appendf(nil, "%s%d", formatPrefix, v+formatAhead)
	err := j.commit(pebble.Sync, func(b *pebble.Batch) error { return b.Set([]byte{entry.Format}, format, nil) })
	if err == nil {
		j.version.Store(int64(v))
	}
	return err
}

// moveMarker writes the file with the version. A failed fsync of the folder is fatal.
func (j *Journal) moveMarker(v compat.Version) (err error) {
	marker, _, err := atomicfs.LocateMarker(j.fs, j.dir, versionMarker)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, marker.Close()) }()
	defer j.failOnPanic()
	if err := marker.Move(strconv.Itoa(int(v))); err != nil {
		return err
	}
	return marker.RemoveObsolete()
}

// readMarker returns the version in the folder, and refuses a version that this program does not read; 0: the folder
// is missing, or names no version.
func (j *Journal) readMarker() (compat.Version, error) {
	text, err := atomicfs.ReadMarker(j.fs, j.dir, versionMarker)
	if errors.Is(err, fs.ErrNotExist) || err == nil && text == "" {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return parseMarker(text, j.speaks)
}

// parseMarker returns the version that the name of the file says.
func parseMarker(text string, speaks compat.Range) (compat.Version, error) {
	v, err := strconv.ParseUint(text, 10, 31)
	if err != nil || v == 0 {
		return 0, fmt.Errorf("%w: its version is %.40q", ErrCorrupt, text)
	}
	return compat.Version(v), checkVersion(compat.Version(v), speaks)
}

func checkVersion(v compat.Version, speaks compat.Range) error {
	if err := speaks.Check(v); err != nil {
		return fmt.Errorf("%w: the data folder has %w", ErrFormat, err)
	}
	return nil
}

// openVersion verifies the version of an opened database. The format is the first write in a journal, so that a
// database without it must be empty.
func (j *Journal) openVersion() error {
	inKey, err := j.readFormat()
	if err != nil {
		return err
	}
	if inKey == 0 {
		inKey = 1
		if err := j.writeFormat(); err != nil {
			return err
		}
	}
	inName, err := j.readMarker()
	if err != nil {
		return err
	}
	if inName < inKey { // of a program before versions, or the file was lost
		inName = inKey
		if err := j.moveMarker(inName); err != nil {
			return err
		}
	}
	j.version.Store(int64(inKey))
	return j.RaiseVersion(inName) // continues a raise that a crash has cut short
}

// readFormat returns the version in the database; 0: there is none.
func (j *Journal) readFormat() (compat.Version, error) {
	value, closer, err := j.db.Get([]byte{entry.Format})
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, entry.Translate(err)
	}
	defer closer.Close()
	return parseFormat(value, j.speaks)
}

// parseFormat returns the version that the value of the key says.
func parseFormat(value []byte, speaks compat.Range) (compat.Version, error) {
	number, ok := strings.CutPrefix(string(value), formatPrefix)
	format, err := strconv.ParseUint(number, 10, 31)
	if !ok || err != nil {
		return 0, fmt.Errorf("%w: its format is %.40q", ErrCorrupt, value)
	}
	if format <= formatAhead {
		return 0, fmt.Errorf("%w: it has format %d, the oldest that this program reads is %d", ErrFormat, format,
			speaks.Oldest.Known()+formatAhead)
	}
	v := compat.Version(format - formatAhead)
	return v, checkVersion(v, speaks)
}

func (j *Journal) writeFormat() error {
	it, err := j.db.NewIter(nil)
	if err != nil {
		return entry.Translate(err)
	}
	empty := !it.First()
	if err := it.Close(); err != nil {
		return entry.Translate(err)
	}
	if !empty {
		return fmt.Errorf("%w: it has data but no format", ErrFormat)
	}
	format := fmt.Appendf(nil, "%s%d", formatPrefix, 1+formatAhead)
	if err := j.db.Set([]byte{entry.Format}, format, pebble.Sync); err != nil {
		return err
	}
	// Pebble makes a database in its oldest format. Damage within a WAL of that format looks like its end. A flush
	// starts the next WAL, which has the new format.
	return j.db.Flush()
}
