package journal

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs/atomicfs"

	"flowring/store/journal/entry"
	"flowring/store/journal/inventory"
	"flowring/store/journal/staged"
)

// Backup makes a folder with the content of the journal at one moment: all batches whose Append has returned before.
// Tables are hard links where the file system allows it, and copies elsewhere. The folder appears whole or not at all,
// as package staged says. Backup fails with fs.ErrExist if the name is taken, and with ErrFull if the copies would not
// leave the disk a tenth of its space.
func (j *Journal) Backup(to string) error {
	if err := j.beginCall(); err != nil {
		return err
	}
	defer j.calls.Done()
	if err := staged.Make(j.fs, to, j.checkCopies, j.fillBackup); err != nil {
		return fmt.Errorf("back up the journal to %s: %w", to, err)
	}
	return nil
}

// fillBackup makes a folder with the content of the journal and a list of its files.
func (j *Journal) fillBackup(dir string) error {
	if err := j.checkpoint(dir); err != nil {
		return err
	}
	return inventory.Write(j.fs, dir)
}

// checkpoint makes a folder with the content of the journal, and with the version of it.
func (j *Journal) checkpoint(dir string) (err error) {
	j.raising.Lock() // the marker in the folder must be of its content
	defer j.raising.Unlock()
	if err := j.db.Checkpoint(dir, pebble.WithFlushedWAL()); err != nil {
		return entry.Translate(err)
	}
	marker, _, err := atomicfs.LocateMarker(j.fs, dir, versionMarker)
	if err != nil {
		return err
	}
	return errors.Join(marker.Move(strconv.Itoa(int(j.Version()))), marker.Close())
}

// checkCopies fails with ErrFull if a file cannot be linked into a folder and its disk has no room for copies.
func (j *Journal) checkCopies(dir string) error {
	link := j.fs.PathJoin(dir, "link")
	if j.fs.Link(j.fs.PathJoin(j.dir, "LOCK"), link) == nil {
		return j.fs.Remove(link)
	}
	usage, err := j.fs.GetDiskUsage(dir)
	if need := j.db.Metrics().DiskSpaceUsage(); err == nil && usage.TotalBytes > 0 &&
		usage.AvailBytes < need+usage.TotalBytes/10 {
		return fmt.Errorf("%w: %d bytes are free, and copies need %d", ErrFull, usage.AvailBytes, need)
	}
	return nil
}

// BackupProgress returns the bytes of the backup to a folder, and about the bytes that it will have.
func (j *Journal) BackupProgress(to string) (done, all uint64) {
	if j.beginCall() != nil {
		return 0, 0
	}
	defer j.calls.Done()
	done = staged.Size(j.fs, to)
	return done, max(done, j.db.Metrics().DiskSpaceUsage())
}

// RemoveUnfinished removes what backups that ended in a crash have left in a folder. No backup may be under way.
func (j *Journal) RemoveUnfinished(dir string) error { return staged.RemoveUnfinished(j.fs, dir) }
