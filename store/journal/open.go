package journal

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"flowring/internal/compat"
	"flowring/store/journal/entry"
	"flowring/store/journal/inventory"
	"flowring/store/journal/staged"
)

// Open opens the journal in a folder. It makes both if the folder is missing or empty. The errors are:
//
//   - ErrFormat: the folder has other files and no journal, or a journal of a version that this program does not read.
//     Open has changed nothing.
//   - ErrLocked: another process has the journal open.
//   - ErrCorrupt: the journal is damaged.
//   - ErrFull: the disk has no room for the writes of Open.
//
// After a crash Open reads the writes since the last flush again, 64 MB at most.
func Open(dir string, options Options) (*Journal, error) {
	j := newJournal(dir, options)
	if err := j.open(options); err != nil {
		return nil, fmt.Errorf("open journal %s: %w", dir, err)
	}
	return j, nil
}

func newJournal(dir string, options Options) *Journal {
	j := &Journal{
		dir: dir, fs: options.FS, log: options.Log, fatal: options.Fatal, opening: newOpenAttempt(),
		speaks: cmp.Or(options.Speaks, compat.Spoken()), disabled: options.Disabled,
	}
	if j.fs == nil {
		j.fs = vfs.Default
	}
	if j.log == nil {
		j.log = slog.New(slog.DiscardHandler)
	}
	if j.fatal == nil {
		j.fatal = func(err error) {
			j.log.Error("journal has failed", "error", err)
			os.Exit(1)
		}
	}
	return j
}

// open locks the folder and opens the database in it. Pebble's open cannot be cancelled: an attempt that is given up
// continues in the background, and keeps the folder locked until the disk has room or the process ends.
func (j *Journal) open(options Options) error {
	if _, err := j.readMarker(); err != nil {
		return err
	}
	if err := j.lockFolder(); err != nil {
		return err
	}
	if err := j.checkRoom(); err != nil {
		return errors.Join(err, j.unlock())
	}
	opened := make(chan error)
	go func() {
		err := j.openDB(options.FS)
		select {
		case opened <- err:
		case <-j.opening.givenUp:
			if err == nil {
				err = j.Close()
			}
			j.log.Debug("abandoned opening of the journal has ended", "error", err)
		}
	}()
	select {
	case err := <-opened:
		return err
	case err := <-j.opening.failed:
		close(j.opening.givenUp)
		return translateOpen(err)
	}
}

// openDB opens the database and verifies its format. It unlocks the folder if it fails.
func (j *Journal) openDB(fileSystem vfs.FS) (err error) {
	j.db, err = pebble.Open(j.dir, j.pebbleOptions(fileSystem))
	if err != nil {
		return errors.Join(translateOpen(err), j.unlock())
	}
	j.identities, err = j.identify()
	if err := errors.Join(err, j.openVersion(), j.removeOrphanDrafts(), inventory.Remove(j.fs, j.dir)); err != nil {
		return errors.Join(err, j.db.Close(), j.unlock())
	}
	if len(j.foreignFiles) > 0 {
		j.log.Warn("the data folder has foreign files", "folder", j.dir, "files", j.foreignFiles)
	}
	return nil
}

func (j *Journal) unlock() error {
	if j.lock == nil { // Pebble has locked the folder
		return nil
	}
	return j.lock.Close()
}

// lockFolder locks an existing folder. Pebble makes and locks a missing one, with the fsyncs for it.
func (j *Journal) lockFolder() error {
	names, err := j.fs.List(j.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := j.acceptForeign(slices.DeleteFunc(names, isJournalFile)); err != nil {
		return err
	}
	j.lock, err = pebble.LockDirectory(j.dir, j.fs)
	return translateLock(err)
}

// acceptForeign accepts foreign files beside an existing journal: desktops, network file systems and backup programs
// leave such files, and Pebble ignores them. A folder with foreign files and without a journal is refused, because it
// is probably the wrong folder.
func (j *Journal) acceptForeign(foreign []string) error {
	if len(foreign) == 0 {
		return nil
	}
	found, err := pebble.Peek(j.dir, j.fs)
	if err != nil || !found.Exists {
		if slices.Contains(foreign, staged.RestoreMark) {
			return fmt.Errorf("%w: the folder has an unfinished restore: make room if its disk is full, and repeat "+
				"flowring restore", ErrFormat)
		}
		return fmt.Errorf("%w: the folder has a file %q, which belongs to no journal", ErrFormat, foreign[0])
	}
	j.foreignFiles = foreign
	return nil
}

// isJournalFile reports whether a file of this name may be in the folder of a journal. Many volumes have lost+found
// in their root.
func isJournalFile(name string) bool {
	for _, prefix := range [...]string{"MANIFEST-", "OPTIONS-", "marker.", "temporary."} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	for _, suffix := range [...]string{".log", ".sst", ".blob", ".dbtmp"} {
		if number, ok := strings.CutSuffix(name, suffix); ok && strings.Trim(number, "0123456789-") == "" {
			return true
		}
	}
	return name == "LOCK" || name == "lost+found" || name == inventory.File
}

func translateLock(err error) error {
	var file *fs.PathError
	if err == nil || errors.As(err, &file) { // the lock file could not be made
		return err
	}
	return fmt.Errorf("%w: %w", ErrLocked, err)
}

// minRoom is the free space, in bytes, that Open requires before its attempt. Open writes a few kB, and at most the
// data since the last flush. Only the attempt shows whether that data fits.
const minRoom = 1 << 20

// checkRoom fails with ErrFull on a disk with less than minRoom. It accepts a disk of unknown size.
func (j *Journal) checkRoom() error {
	usage, err := j.fs.GetDiskUsage(j.dir)
	if errors.Is(err, fs.ErrNotExist) {
		usage, err = j.fs.GetDiskUsage(j.fs.PathDir(j.dir))
	}
	if err != nil || usage.TotalBytes == 0 || usage.AvailBytes >= minRoom {
		return nil
	}
	return fmt.Errorf("%w: %d bytes are free, and opening needs %d", ErrFull, usage.AvailBytes, minRoom)
}

// translateOpen returns an error of Pebble's open as one of this package. Pebble has no error value for a database
// with another order of keys, which is the database of another program.
func translateOpen(err error) error {
	if strings.Contains(err.Error(), "comparer name") {
		return fmt.Errorf("%w: a Pebble database of another program: %w", ErrFormat, err)
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return entry.Translate(err)
}
