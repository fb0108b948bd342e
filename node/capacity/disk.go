package capacity

import (
	"log/slog"
	"sync/atomic"
)

// Disk compares the free space of a file system with a minimum. A full disk ends the process (P13), so a node refuses
// new writes before. It still takes batches admitted by other nodes, and repair goes on.
type Disk struct {
	minFree int
	read    func() (free, total uint64, err error)
	log     *slog.Logger
	low     atomic.Bool
}

// NewDisk returns a Disk before its first observation. minFree is the minimum in per cent of the file system; 0: none.
// read returns bytes.
func NewDisk(minFree int, read func() (free, total uint64, err error), log *slog.Logger) *Disk {
	return &Disk{minFree: minFree, read: read, log: log}
}

// Low reports whether the node must refuse new writes.
func (d *Disk) Low() bool { return d.low.Load() }

// Check observes the file system.
func (d *Disk) Check() {
	if d.minFree == 0 {
		return
	}
	free, total, err := d.read()
	if err != nil || total == 0 { // the file system does not report its size
		return
	}
	low := free < total/100*uint64(d.minFree)
	if d.low.Swap(low) != low {
		d.log.Warn("disk space", "low", low, "free", free, "total", total, "min_free_percent", d.minFree)
	}
}
