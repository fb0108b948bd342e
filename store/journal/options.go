package journal

import (
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"

	"flowring/store/journal/blockcheck"
)

// pebbleOptions suit data that many callers write once, mostly in the order of hours, and seldom read: as a whole
// slice, or batch by batch with keys that exist.
func (j *Journal) pebbleOptions(fileSystem vfs.FS) *pebble.Options {
	comparer := *pebble.DefaultComparer
	comparer.Name = "flowring" // Pebble refuses the database of another program before any change

	o := &pebble.Options{
		FS:       fileSystem,
		Lock:     j.lock,
		Comparer: &comparer,

		// Fixed, because a new version of Pebble must not write a format that the last version of this program cannot
		// read. This is the first format that distinguishes a torn end of a WAL from damage within it.
		FormatMajorVersion: pebble.FormatTableFormatV6,

		// Twice the default, because batches are large: larger files in level 0. More would cost memory, since Pebble
		// keeps an empty table; disk space, since it keeps five empty WALs of this size; and time after a crash.
		MemTableSize:                8 << 20,
		MemTableStopWritesThreshold: 8,

		// Batches should stay in level 0 until sealing replaces them by a snapshot. The batches of an hour with
		// slices, or from several nodes, come in no order, and each compaction would rewrite much of the output of
		// the last one. Pebble starts at half of the threshold. More files in level 0 make reads slower, which are
		// rare. Clients notice stopped writes.
		L0CompactionThreshold: 64,
		L0StopWritesThreshold: 256,
		LBaseMaxBytes:         256 << 20,

		// Every commit is fsynced: a background sync of the WAL would have no effect.
		WALBytesPerSync: 0,

		CompactionConcurrencyRange: func() (lower, upper int) { return 1, 2 },
		FlushDelayDeleteRange:      10 * time.Second, // space of Drop is freed without later writes too
		MaxOpenFiles:               500,
		CacheSize:                  8 << 20, // blocks are read once, to fold them into memory

		Logger:        logger{j},
		EventListener: j.eventListener(),
	}
	o.TargetFileSizes[0] = 16 << 20
	// Level 0 is short-lived, and flushes must keep up with clients: cheap compression. Lower levels deserve a better
	// one.
	for i := range o.Levels {
		o.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.BalancedCompression }
		o.Levels[i].BlockSize = 32 << 10
		o.Levels[i].FilterPolicy = pebble.NoFilterPolicy // reads ask only for existing batches
	}
	if fileSystem == nil {
		o.WithFSDefaults() // reports slowness
	}
	o.FS = blockcheck.Wrap(o.FS)
	o.Levels[0].Compression = func() *sstable.CompressionProfile { return sstable.FastestCompression }
	return o
}
