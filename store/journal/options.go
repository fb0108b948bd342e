package journal

import (
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// pebbleOptions are for data that is written once, by many at the same time, mostly in the order of hours, and seldom read: as a
// whole slice, or batch by batch by keys that are known to be there.
func (j *Journal) pebbleOptions(fileSystem vfs.FS) *pebble.Options {
	comparer := *pebble.DefaultComparer
	comparer.Name = "flowring" // Pebble refuses a database of another's before it changes anything there

	o := &pebble.Options{
		FS:       fileSystem, // nil: Pebble's default, which also watches for slowness
		Lock:     j.lock,
		Comparer: &comparer,

		// Fixed, so that a new version of Pebble does not by itself write what the last version of this program cannot
		// read. It is the first to tell a torn end of a WAL from damage within it.
		FormatMajorVersion: pebble.FormatTableFormatV6,

		// Four times the default, as batches are large: fewer flushes, larger first files. Not more, as it is paid for in
		// disk space, for Pebble keeps five empty WALs of this size at hand, and in what is read back after a crash.
		MemTableSize:                16 << 20,
		MemTableStopWritesThreshold: 4,

		// Batches stay in level 0, as far as it goes, until sealing makes a snapshot of them: those of an hour with slices, or from several
		// nodes, come in no order, so that each compaction would rewrite much of what the last one wrote. Pebble begins at half of the
		// threshold. Reads are rare, and can take the price of more files there; stopped writes are what clients notice.
		L0CompactionThreshold: 32,
		L0StopWritesThreshold: 128,
		LBaseMaxBytes:         256 << 20,

		// Every commit is fsynced: there is nothing left for a background flush of the WAL to smooth.
		WALBytesPerSync: 0,

		CompactionConcurrencyRange: func() (lower, upper int) { return 1, 2 },
		FlushDelayDeleteRange:      10 * time.Second, // what Drop removed is to be given back, idle or not
		MaxOpenFiles:               500,
		CacheSize:                  8 << 20, // blocks are read once, to be folded into memory

		Logger:        logger{j},
		EventListener: j.listener(),
	}
	o.TargetFileSizes[0] = 16 << 20
	// Level 0 is short-lived and written by who has to keep up with clients: cheap compression. What stays is worth more.
	for i := range o.Levels {
		o.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.BalancedCompression }
		o.Levels[i].BlockSize = 32 << 10
		o.Levels[i].FilterPolicy = pebble.NoFilterPolicy // no one asks for a batch that is not there
	}
	o.Levels[0].Compression = func() *sstable.CompressionProfile { return sstable.FastestCompression }
	return o
}
