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
	"flowring/internal/lograte"
	"flowring/store"
)

// The errors of a journal, to be tested for with errors.Is.
var (
	ErrFormat   = errors.New("not a journal that this program can read")
	ErrCorrupt  = store.ErrUnreadable
	ErrLocked   = errors.New("journal is in use")
	ErrFull     = errors.New("no room on the disk")
	ErrNotFound = errors.New("not in the journal")
	ErrFailed   = errors.New("journal has failed") // the disk did; only a restart tells what is on it
	ErrClosed   = errors.New("journal is closed")
) // and ErrMissing

// Options are how a journal is opened. The zero value is fit for use.
type Options struct {
	FS  vfs.FS       // nil: the operating system's, watched for slowness
	Log *slog.Logger // nil: silent

	// Fatal is called, once, when the disk fails in such a way that nothing can be written any more. It must not return if
	// the process is to be of use, and must not call the journal, some of whose locks may be held. nil: log and exit.
	Fatal func(error)
}

// Journal is what one store has on disk.
type Journal struct {
	dir  string
	fs   vfs.FS
	log  *slog.Logger
	lock *pebble.Lock
	db   *pebble.DB

	foreign []string              // files of the folder that are not of a journal
	opened  [2]identity           // of what CheckFolder watches
	missing atomic.Pointer[error] // what CheckFolder found; nil: nothing
	opening *opening
	untidy  lograte.Limiter // how often failures of background work are logged
	corrupt lograte.Limiter // how often a read that finds damage is logged: a block has many batches

	fatal  func(error)
	failed atomic.Pointer[error] // set before fatal is called

	mu     sync.Mutex
	closed bool
	users  sync.WaitGroup // calls under way; added to under mu while not closed
}

var _ store.Journal = (*Journal)(nil)

// enter begins a call. Who gets nil must call j.users.Done at its end.
func (j *Journal) enter() error {
	if err := j.failure(); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return ErrClosed
	}
	j.users.Add(1)
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
	j.users.Wait()
	if err := errors.Join(j.db.Close(), j.unlock()); err != nil {
		return fmt.Errorf("close journal %s: %w", j.dir, err)
	}
	return nil
}

// Append implements store.Journal. One fsync serves all calls that wait for it at the same time.
func (j *Journal) Append(batches ...flow.Written) error {
	err := j.commit(pebble.Sync, func(b *pebble.Batch) error {
		for _, w := range batches {
			set(b, batchKey(batchKind, w.Slice, w.Dot), w.Bytes)
			if err := b.Set(batchKey(dotKind, w.Slice, w.Dot), nil, nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("append to journal: %w", err)
	}
	return nil
}

// Drop implements store.Journal.
func (j *Journal) Drop(s flow.Slice) error {
	err := j.commit(pebble.Sync, func(b *pebble.Batch) error {
		for _, kind := range [...]byte{batchKind, dotKind, headKind, pieceKind} {
			if err := deleteAll(b, sliceKey(kind, s)); err != nil {
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

// set seals the payload right into the batch that is to be committed.
func set(b *pebble.Batch, key, payload []byte) {
	op := b.SetDeferred(len(key), sealLen+len(payload))
	copy(op.Key, key)
	seal(op.Value, key, payload)
}

// deleteAll removes every key that begins with prefix.
func deleteAll(b *pebble.Batch, prefix []byte) error {
	return b.DeleteRange(prefix, after(prefix), nil)
}

// commit writes what fill puts into a batch, and fsyncs it if how says so, with all that was written before. After Fatal was called it
// never returns nil: Pebble itself takes the error for the end of the process and reports success should Fatal return.
func (j *Journal) commit(how *pebble.WriteOptions, fill func(*pebble.Batch) error) error {
	if err := j.enter(); err != nil {
		return err
	}
	defer j.users.Done()
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
	return cmp.Or(j.failure(), j.Missing()) // of a commit that was under way
}

// failOnPanic turns a panic into a failure. Some errors of the WAL make Pebble panic in the midst of a commit, with locks held: a
// server that lives on, as net/http does after a panic, would hang.
func (j *Journal) failOnPanic() {
	if cause := recover(); cause != nil {
		j.fail(fmt.Errorf("panic: %v", cause))
		panic(cause)
	}
}

// failure returns why nothing can be written any more, or nil.
func (j *Journal) failure() error {
	if cause := j.failed.Load(); cause != nil {
		return fmt.Errorf("%w: %w", ErrFailed, *cause)
	}
	return nil
}

// fail notes that the journal is of no more use, and calls Fatal the first time.
func (j *Journal) fail(err error) {
	if j.failed.CompareAndSwap(nil, &err) {
		j.fatal(err)
	}
}

// FreeBytes returns how many bytes the file system has, and how many of them are free to be written.
func (j *Journal) FreeBytes() (free, total uint64, err error) {
	usage, err := j.fs.GetDiskUsage(j.dir)
	if err != nil {
		return 0, 0, fmt.Errorf("free space of %s: %w", j.dir, err)
	}
	return usage.AvailBytes, usage.TotalBytes, nil
}
