package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// The format of a journal is what keys.go and seal.go draw.
const (
	formatPrefix  = "flowring journal, format "
	formatVersion = 2
)

// Open opens the journal in the folder, having made both if the folder is missing or empty. It fails with ErrFormat for a folder
// that holds something else and no journal, or a journal of another format, and changes nothing there; with ErrLocked while another process has
// it open; with ErrCorrupt when it is damaged; and with ErrFull when the disk has no room for what opening writes. After a crash
// it reads back what was written since the last flush, 64 MB at most.
func Open(dir string, options Options) (*Journal, error) {
	j := newJournal(dir, options)
	if err := j.open(options); err != nil {
		return nil, fmt.Errorf("open journal %s: %w", dir, err)
	}
	return j, nil
}

func newJournal(dir string, options Options) *Journal {
	j := &Journal{dir: dir, fs: options.FS, log: options.Log, fatal: options.Fatal, opening: newOpening()}
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

// open claims the folder and opens the database in it. What it gives up goes on by itself, and keeps the folder locked, until there
// is room or the process ends: Pebble's opening cannot be broken off.
func (j *Journal) open(options Options) error {
	if err := j.claim(); err != nil {
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
			j.log.Debug("opening was given up, and has ended", "error", err)
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

// openDB opens the database and verifies its format. It unlocks the folder when it fails.
func (j *Journal) openDB(fileSystem vfs.FS) (err error) {
	j.db, err = pebble.Open(j.dir, j.pebbleOptions(fileSystem))
	if err != nil {
		return errors.Join(translateOpen(err), j.unlock())
	}
	j.opened, err = j.identify()
	if err := errors.Join(err, j.checkFormat(), j.sweep()); err != nil {
		return errors.Join(err, j.db.Close(), j.unlock())
	}
	if len(j.foreign) > 0 {
		j.log.Warn("the data folder has files that are not of the journal", "folder", j.dir, "files", j.foreign)
	}
	return nil
}

func (j *Journal) unlock() error {
	if j.lock == nil { // Pebble has its own
		return nil
	}
	return j.lock.Close()
}

// claim locks the folder, unless there is none: then Pebble makes it, which includes the fsyncs that this takes, and locks it.
func (j *Journal) claim() error {
	names, err := j.fs.List(j.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := j.tolerate(slices.DeleteFunc(names, ours)); err != nil {
		return err
	}
	j.lock, err = pebble.LockDirectory(j.dir, j.fs)
	return translateLock(err)
}

// tolerate accepts files that are not of a journal beside one that is there: desktops, network file systems and backup programs leave
// such files, which Pebble does not look at. In a folder without a journal they are a sign that it is the wrong folder.
func (j *Journal) tolerate(foreign []string) error {
	if len(foreign) == 0 {
		return nil
	}
	found, err := pebble.Peek(j.dir, j.fs)
	if err != nil || !found.Exists {
		return fmt.Errorf("%w: the folder has a file %q, which is not of a journal", ErrFormat, foreign[0])
	}
	j.foreign = foreign
	return nil
}

// ours reports whether a file of this name may be in the folder of a journal. lost+found is in the root of many volumes.
func ours(name string) bool {
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
	return name == "LOCK" || name == "lost+found"
}

func translateLock(err error) error {
	var file *fs.PathError
	if err == nil || errors.As(err, &file) { // the lock's file could not be made
		return err
	}
	return fmt.Errorf("%w: %w", ErrLocked, err)
}

// minRoom is what must be free for opening to be worth a try. It writes some kB, and at most what was written since the last flush:
// whether that fits only the attempt shows.
const minRoom = 1 << 20

// checkRoom fails with ErrFull on a disk without any room. One that does not say how much it has may have enough.
func (j *Journal) checkRoom() error {
	usage, err := j.fs.GetDiskUsage(j.dir)
	if errors.Is(err, fs.ErrNotExist) {
		usage, err = j.fs.GetDiskUsage(j.fs.PathDir(j.dir))
	}
	if err != nil || usage.TotalBytes == 0 || usage.AvailBytes >= minRoom {
		return nil
	}
	return fmt.Errorf("%w: %d bytes are free, and opening takes %d", ErrFull, usage.AvailBytes, minRoom)
}

// translateOpen says what is wrong with a folder that Pebble refuses. Pebble has no error of its own for a database whose keys
// are in another order, as it finds where somebody else's is.
func translateOpen(err error) error {
	if strings.Contains(err.Error(), "comparer name") {
		return fmt.Errorf("%w: a Pebble database of another program: %w", ErrFormat, err)
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return translate(err)
}

// checkFormat verifies that the format is ours. It comes first in a journal: what has none must have nothing at all.
func (j *Journal) checkFormat() error {
	value, closer, err := j.db.Get([]byte{formatKind})
	if errors.Is(err, pebble.ErrNotFound) {
		return j.writeFormat()
	}
	if err != nil {
		return translate(err)
	}
	defer closer.Close()
	number, ok := strings.CutPrefix(string(value), formatPrefix)
	version, err := strconv.Atoi(number)
	switch {
	case !ok || err != nil:
		return fmt.Errorf("%w: its format reads %.40q", ErrCorrupt, value)
	case version != formatVersion:
		return fmt.Errorf("%w: it has format %d, this program knows %d", ErrFormat, version, formatVersion)
	}
	return nil
}

func (j *Journal) writeFormat() error {
	it, err := j.db.NewIter(nil)
	if err != nil {
		return translate(err)
	}
	empty := !it.First()
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		return translate(err)
	}
	if !empty {
		return fmt.Errorf("%w: it has data but no format", ErrFormat)
	}
	format := fmt.Appendf(nil, "%s%d", formatPrefix, formatVersion)
	if err := j.db.Set([]byte{formatKind}, format, pebble.Sync); err != nil {
		return err
	}
	// Pebble makes a database in its oldest format, and the first WAL still is of that: damage within it passes for its end.
	// A flush begins the next.
	return j.db.Flush()
}
