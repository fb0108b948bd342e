// Package journaltest has disks in memory. They lose power, fill up, break, and go back in time.
//
// A Disk outlives the journals opened on it. Kill, PowerLoss, Wipe and Restore replace its content by a copy, because
// the dead process must not reach the disk of the next one. Call them without a journal in use, or to crash the one
// in use.
package journaltest

import (
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"flowring/store/journal"
	"flowring/store/journal/faultfs"
)

// Disk is a file system in memory. It is safe for concurrent use.
type Disk struct {
	rng *rand.Rand

	mu     sync.Mutex
	mem    *vfs.MemFS
	inode  *atomic.Uint64          // of every file of the present copy
	fault  *atomic.Pointer[func()] // of the present copy
	noSync bool
}

// NewDisk returns an empty disk. rng picks the unsynced data that survives a loss of power.
func NewDisk(rng *rand.Rand) *Disk {
	return &Disk{rng: rng, mem: vfs.NewCrashableMem(), inode: new(atomic.Uint64), fault: new(atomic.Pointer[func()])}
}

// FS returns the file system of one process, which ends with the next Kill, PowerLoss, Wipe or Restore.
func (d *Disk) FS() journal.FS {
	d.mu.Lock()
	defer d.mu.Unlock()
	fault := d.fault
	fs := faultfs.Wrap(d.mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if die := fault.Load(); die != nil && writesBatches(op) {
			(*die)()
		}
		return nil
	}))
	withInodes := inodeFS{fs, d.inode}
	if d.noSync {
		return unsyncedFS{withInodes}
	}
	return withInodes
}

// inodeFS gives all files the same inode. Remove changes the inode.
type inodeFS struct {
	vfs.FS
	inode *atomic.Uint64
}

// Stat implements vfs.FS.
func (fs inodeFS) Stat(name string) (vfs.FileInfo, error) {
	info, err := fs.FS.Stat(name)
	if err != nil {
		return nil, err
	}
	return inodeInfo{info, fs.inode.Load()}, nil
}

type inodeInfo struct {
	vfs.FileInfo
	inode uint64
}

// Sys implements fs.FileInfo.
func (i inodeInfo) Sys() any { return i.inode }

// Remove removes a folder that a process has open. The process can still write to its open files; the next process
// finds none of them. With anew, an empty folder takes the place of the old one.
func (d *Disk) Remove(dir string, anew bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inode.Add(1)
	if err := d.mem.RemoveAll(dir); err != nil {
		return err
	}
	if anew {
		if err := d.mem.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	parent, err := d.mem.OpenDir(d.mem.PathDir(dir))
	if err != nil {
		return err
	}
	return errors.Join(parent.Sync(), parent.Close()) // otherwise a copy would still have the old folder
}

// Adopt ends all access of processes, and puts one folder of the disk in the place of another, durably.
func (d *Disk) Adopt(from, to string) (err error) {
	d.replace(func(m *vfs.MemFS) *vfs.MemFS {
		if err = errors.Join(m.RemoveAll(to), m.Rename(from, to)); err != nil {
			return m
		}
		var parent vfs.File
		if parent, err = m.OpenDir(m.PathDir(to)); err == nil {
			err = errors.Join(parent.Sync(), parent.Close())
		}
		return d.clone(m, 100)
	})
	return err
}

// writesBatches reports whether an operation puts batches on disk: a write or a sync of the write-ahead log.
func writesBatches(op errorfs.Op) bool {
	return strings.HasSuffix(op.Path, ".log") && (op.Kind == errorfs.OpFileWrite || op.Kind == errorfs.OpFileSync ||
		op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSyncTo)
}

// Fail makes the disk refuse batches. The next attempt calls die, which must end the process before it returns,
// because no later output of the process may count. A real process ends too after a failed write. die may run more
// than once. The journal does not get the error itself, because its panic would end the test. A nil die repairs the
// disk.
func (d *Disk) Fail(die func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if die == nil {
		d.fault.Store(nil)
		return
	}
	d.fault.Store(&die)
}

// Flip flips a bit of the largest table, at a position in per cent of its length, like a bad disk. No process may run
// on the disk. It reports false if the disk has no table.
func (d *Disk) Flip(dir string, percent int) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	names, err := d.mem.List(dir)
	if err != nil {
		return false, err
	}
	var largest string
	var data []byte
	for _, name := range names {
		path := d.mem.PathJoin(dir, name)
		if !strings.HasSuffix(name, ".sst") {
			continue
		}
		if content, err := d.read(path); err != nil {
			return false, err
		} else if len(content) > len(data) {
			largest, data = path, content
		}
	}
	if largest == "" {
		return false, nil
	}
	data[len(data)*percent/100] ^= 1
	f, err := d.mem.Create(largest, vfs.WriteCategoryUnspecified)
	if err != nil {
		return false, err
	}
	_, err = f.Write(data)
	return true, errors.Join(err, f.Sync(), f.Close())
}

func (d *Disk) read(path string) ([]byte, error) {
	f, err := d.mem.Open(path)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(f)
	return data, errors.Join(err, f.Close())
}

// SetFree sets the free and the total bytes of the disk.
func (d *Disk) SetFree(free, total uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: free, TotalBytes: total, UsedBytes: total - free})
}

// IgnoreSync makes every later FS acknowledge an fsync without doing it: the negative control of durability.
func (d *Disk) IgnoreSync() { d.noSync = true }

// Kill is kill -9: the process is gone, and all its writes are on the disk.
func (d *Disk) Kill() { d.replace(func(m *vfs.MemFS) *vfs.MemFS { return d.clone(m, 100) }) }

// PowerLoss keeps synced data, and each unsynced block with a probability in per cent.
func (d *Disk) PowerLoss(percent int) {
	d.replace(func(m *vfs.MemFS) *vfs.MemFS { return d.clone(m, percent) })
}

// Wipe replaces the disk by an empty one.
func (d *Disk) Wipe() { d.replace(func(*vfs.MemFS) *vfs.MemFS { return vfs.NewCrashableMem() }) }

// Image is a copy of the content of a disk.
type Image struct{ mem *vfs.MemFS }

// Image returns a copy of the present content.
func (d *Disk) Image() Image {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Image{d.clone(d.mem, 100)}
}

// Restore rolls the disk back to an image.
func (d *Disk) Restore(i Image) {
	d.replace(func(*vfs.MemFS) *vfs.MemFS { return d.clone(i.mem, 100) })
}

func (d *Disk) replace(fn func(*vfs.MemFS) *vfs.MemFS) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault.Store(nil) // a goroutine of the dead process must not end the test
	d.mem, d.fault, d.inode = fn(d.mem), new(atomic.Pointer[func()]), new(atomic.Uint64)
}

func (d *Disk) clone(m *vfs.MemFS, percent int) *vfs.MemFS {
	return m.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: d.rng})
}

// unsyncedFS acknowledges every sync of a file without doing it.
type unsyncedFS struct{ vfs.FS }

func (fs unsyncedFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return unsynced(fs.FS.Create(name, c))
}

func (fs unsyncedFS) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return unsynced(fs.FS.ReuseForWrite(from, to, c))
}

func unsynced(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return unsyncedFile{f}, nil
}

type unsyncedFile struct{ vfs.File }

func (f unsyncedFile) Sync() error                { return nil }
func (f unsyncedFile) SyncData() error            { return nil }
func (f unsyncedFile) SyncTo(int64) (bool, error) { return true, nil }
