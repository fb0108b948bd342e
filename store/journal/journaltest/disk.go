// Package journaltest has disks in memory that lose power, fill up, break, and go back in time.
//
// A Disk outlives the journals opened on it. Kill, PowerLoss, Wipe and Restore replace what is on it by a copy, so that whatever
// the dead process still does cannot reach it: call them while no journal is in use, or to crash the one that is.
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
)

// Disk is a file system in memory. It is safe for concurrent use.
type Disk struct {
	rng *rand.Rand

	mu     sync.Mutex
	mem    *vfs.MemFS
	number *atomic.Uint64          // that the files of the present copy have for an inode
	fault  *atomic.Pointer[func()] // of the present copy
	noSync bool
}

// NewDisk returns an empty disk. rng decides what unsynced data survives a loss of power.
func NewDisk(rng *rand.Rand) *Disk {
	return &Disk{rng: rng, mem: vfs.NewCrashableMem(), number: new(atomic.Uint64), fault: new(atomic.Pointer[func()])}
}

// FS returns the file system as it is for one process: until the next Kill, PowerLoss, Wipe or Restore.
func (d *Disk) FS() journal.FS {
	d.mu.Lock()
	defer d.mu.Unlock()
	fault := d.fault
	fs := errorfs.Wrap(d.mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if die := fault.Load(); die != nil && loses(op) {
			(*die)()
		}
		return nil
	}))
	numbered := numberedFS{fs, d.number}
	if d.noSync {
		return unsyncedFS{numbered}
	}
	return numbered
}

// numberedFS gives all files one inode, which Remove changes.
type numberedFS struct {
	vfs.FS
	number *atomic.Uint64
}

// Stat implements vfs.FS.
func (fs numberedFS) Stat(name string) (vfs.FileInfo, error) {
	info, err := fs.FS.Stat(name)
	if err != nil {
		return nil, err
	}
	return numberedInfo{info, fs.number.Load()}, nil
}

type numberedInfo struct {
	vfs.FileInfo
	number uint64
}

// Sys implements fs.FileInfo.
func (i numberedInfo) Sys() any { return i.number }

// Remove removes a folder under the process that has it open: files that are open can be written, and nothing of them is there for
// the next process. With anew, an empty folder takes its place.
func (d *Disk) Remove(dir string, anew bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.number.Add(1)
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
	return errors.Join(parent.Sync(), parent.Close()) // else a copy would have the folder as it was
}

// loses reports whether an operation puts batches on disk: it appends to the write-ahead log, or syncs it.
func loses(op errorfs.Op) bool {
	return strings.HasSuffix(op.Path, ".log") && (op.Kind == errorfs.OpFileWrite || op.Kind == errorfs.OpFileSync ||
		op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSyncTo)
}

// Fail makes the disk one that cannot take a batch any more: the next attempt ends the process, as a failed write does in earnest,
// and die must see to that before it returns, so that nothing the process still says is heard. It may be called more than once. The
// error itself is not passed on to the journal, which would panic where no test survives it. A nil die mends the disk.
func (d *Disk) Fail(die func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if die == nil {
		d.fault.Store(nil)
		return
	}
	d.fault.Store(&die)
}

// Flip flips a bit of the largest table, at a share of its length in per cent, as a bad disk does. No process may run on the disk. It
// reports whether there is a table.
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

// SetFree says how much of the disk is free, in bytes.
func (d *Disk) SetFree(free, total uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: free, TotalBytes: total, UsedBytes: total - free})
}

// IgnoreSync makes every later FS answer an fsync without doing it: the negative control of durability.
func (d *Disk) IgnoreSync() { d.noSync = true }

// Kill is kill -9: the process is gone, what it wrote is there.
func (d *Disk) Kill() { d.become(func(m *vfs.MemFS) *vfs.MemFS { return d.clone(m, 100) }) }

// PowerLoss keeps what was synced, and of each other block a copy with the given probability in per cent.
func (d *Disk) PowerLoss(percent int) {
	d.become(func(m *vfs.MemFS) *vfs.MemFS { return d.clone(m, percent) })
}

// Wipe replaces the disk by an empty one.
func (d *Disk) Wipe() { d.become(func(*vfs.MemFS) *vfs.MemFS { return vfs.NewCrashableMem() }) }

// Image is a copy of a disk's content.
type Image struct{ mem *vfs.MemFS }

// Image returns a copy of what is on the disk now.
func (d *Disk) Image() Image {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Image{d.clone(d.mem, 100)}
}

// Restore rolls the disk back to an image.
func (d *Disk) Restore(i Image) {
	d.become(func(*vfs.MemFS) *vfs.MemFS { return d.clone(i.mem, 100) })
}

func (d *Disk) become(fn func(*vfs.MemFS) *vfs.MemFS) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault.Store(nil) // what is left of the dead process must not bring down the test
	d.mem, d.fault, d.number = fn(d.mem), new(atomic.Pointer[func()]), new(atomic.Uint64)
}

func (d *Disk) clone(m *vfs.MemFS, percent int) *vfs.MemFS {
	return m.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: d.rng})
}

// unsyncedFS answers every sync of a file without doing it.
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
