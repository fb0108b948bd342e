package journal

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"flowring/flow"
	"flowring/internal/compat"
	"flowring/internal/lograte"
	"flowring/internal/safeguard"
	"flowring/store"
	"flowring/store/journal/entry"
	"flowring/store/journal/runs"
	"flowring/store/pack"
)

// The errors of a journal, for errors.Is. ErrMissing is another one.
var (
	ErrFormat   = entry.ErrFormat
	ErrCorrupt  = entry.ErrCorrupt
	ErrLocked   = errors.New("journal is in use")
	ErrFull     = errors.New("no room on the disk")
	ErrNotFound = entry.ErrNotFound
	ErrFailed   = errors.New("journal has failed") // because of the disk; only a restart can tell its content
	ErrClosed   = errors.New("journal is closed")
)

// Options configure a journal. The zero value is ready for use.
type Options struct {
	FS  vfs.FS       // nil: the file system of the operating system, with warnings of slowness
	Log *slog.Logger // nil: silent

	// Fatal runs once, when the disk has failed so that no write can succeed any more. It should end the process. It
	// must not call the journal, because the caller may hold locks. nil: log and exit.
	Fatal func(error)

	Speaks compat.Range // versions of folders that this program reads; zero: compat.Spoken

	Disabled safeguard.Set // safeguards that are off, in tests
}

// Journal is the part of one store on disk.
type Journal struct {
	dir  string
	fs   vfs.FS
	log  *slog.Logger
	lock *pebble.Lock
	db   *pebble.DB

	foreignFiles  []string              // names of the foreign files in the folder
	identities    [2]identity           // of the watched paths at the opening
	missing       atomic.Pointer[error] // the result of CheckFolder; nil: no difference
	opening       *openAttempt
	backgroundLog lograte.Limiter // for failures of background work
	corruptionLog lograte.Limiter // for damage found by reads; a block has many batches

	speaks   compat.Range
	disabled safeguard.Set
	raising  sync.Mutex   // held while the version of the folder changes
	version  atomic.Int64 // of the folder

	fatal  func(error)
	failed atomic.Pointer[error] // set before fatal is called

	mu     sync.Mutex
	closed bool
	calls  sync.WaitGroup // under way; Add needs mu and an open journal
}

var _ store.Journal = (*Journal)(nil)

// beginCall begins a call. After nil, the caller calls j.calls.Done at its end.
func (j *Journal) beginCall() error {
	if err := j.failure(); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return ErrClosed
	}
	j.calls.Add(1)
	return nil
}

// Close waits for the calls under way and closes the journal. Calls after it fail with ErrClosed.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return nil
	}
	j.closed = true
	j.mu.Unlock()
	j.calls.Wait()
	if err := errors.Join(j.db.Close(), j.unlock()); err != nil {
		return fmt.Errorf("close journal %s: %w", j.dir, err)
	}
	return nil
}

// Append implements store.Journal. One fsync serves all concurrent calls.
func (j *Journal) Append(batches ...flow.Written) error {
	err := j.commit(pebble.Sync, func(b *pebble.Batch) error {
		if j.disabled.Has(safeguard.PacksApart) {
			batches = pack.Folded(batches)
		}
		return runs.Append(b, batches, j.Packs())
	})
	if err != nil {
		return fmt.Errorf("append to journal: %w", err)
	}
	return nil
}

// Packs implements store.Journal.
func (j *Journal) Packs() bool { return compat.Packs.On(j.Version()) }

// runs returns the reader of the slices' batches.
func (j *Journal) runs() runs.Reader {
	return runs.Reader{Iterate: j.iterate, Get: j.get}
}

// Drop implements store.Journal.
func (j *Journal) Drop(s flow.Slice) error {
	err := j.commit(pebble.Sync, func(b *pebble.Batch) error {
		for _, kind := range entry.SliceKinds {
			if err := deletePrefix(b, entry.SliceKey(kind, s)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("drop slice %s from journal: %w", s, err)
	}
	return nil
}

// DropBelow implements store.Journal.
func (j *Journal) DropBelow(h flow.Hour) error {
	err := j.commit(pebble.Sync, func(b *pebble.Batch) error {
		for _, kind := range entry.SliceKinds {
			if err := b.DeleteRange([]byte{kind}, entry.SliceKey(kind, flow.Slice{Hour: h}), nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("drop the hours below %d from journal: %w", h, err)
	}
	return nil
}

// deletePrefix deletes all keys with a prefix.
func deletePrefix(b *pebble.Batch, prefix []byte) error {
	return b.DeleteRange(prefix, entry.PrefixEnd(prefix), nil)
}

// commit commits a batch, which fill fills. With pebble.Sync it returns after an fsync of this batch and of all
// earlier ones. After a fatal error it never returns nil. Pebble itself would report success if Fatal returned,
// because it expects the process to end.
func (j *Journal) commit(how *pebble.WriteOptions, fill func(*pebble.Batch) error) error {
	if err := j.beginCall(); err != nil {
		return err
	}
	defer j.calls.Done()
	if err := j.Missing(); err != nil {
		return err
	}
	defer j.failOnPanic()
	b := j.db.NewBatch()
	defer b.Close()
	if err := fill(b); err != nil {
		return err
	}
	if err := b.Commit(how); err != nil {
		return err
	}
	return cmp.Or(j.failure(), j.Missing()) // also found during the commit
}

// failOnPanic turns a panic into a failure of the journal. After some errors of the WAL Pebble panics during a
// commit, with locks held. A server such as net/http would survive the panic, and hang.
func (j *Journal) failOnPanic() {
	if cause := recover(); cause != nil {
		j.fail(fmt.Errorf("panic: %v", cause))
		panic(cause)
	}
}

// failure returns the error of a failed journal, or nil.
func (j *Journal) failure() error {
	if cause := j.failed.Load(); cause != nil {
		return fmt.Errorf("%w: %w", ErrFailed, *cause)
	}
	return nil
}

// fail marks the journal as failed, and calls Fatal the first time.
func (j *Journal) fail(err error) {
	if j.failed.CompareAndSwap(nil, &err) {
		j.fatal(err)
	}
}

// FreeBytes returns the free and the total bytes of the file system.
func (j *Journal) FreeBytes() (free, total uint64, err error) {
	usage, err := j.fs.GetDiskUsage(j.dir)
	if err != nil {
		return 0, 0, fmt.Errorf("free space of %s: %w", j.dir, err)
	}
	return usage.AvailBytes, usage.TotalBytes, nil
}
