package store

import (
	"container/list"
	"errors"
	"time"

	"flowring/flow"
	"flowring/store/content"
	"flowring/store/digest"
	"flowring/store/totals"
)

// entry is a slice of the store: warm, in memory, or cold, in the journal alone. Store.mu guards all fields but
// slice; the content has locks of its own.
//
// A user pins an entry. A pinned entry is neither evicted nor dropped, and its snapshot does not change. Nobody pins
// an entry during an operation (a load, a drop or a change of the snapshot). So the journal of the slice does not
// change during a load, and no batch is applied to a slice during its drop.
type entry struct {
	slice      flow.Slice
	pins       int
	operation  *operation       // in progress; nil: none
	content    *content.Content // nil: cold
	element    *list.Element    // in Store.warm; nil: cold
	size       int64            // of the content in bytes, as last estimated
	unsealed   int              // batches outside of the snapshot; unknown while the digest is
	changedAt  time.Time        // time of the last Apply, or of Open
	unpinned   chan struct{}    // closed when the last pin ends; nil: nobody waits
	coldDigest *digest.Digest   // of a cold slice, once it was read; its dots do not change
	coldTotals *totals.Totals   // of the batches of coldDigest; nil: not known
}

// operation is a load, a drop or a change of the snapshot, which other users of the entry wait for.
type operation struct {
	done chan struct{} // closed at its end
	err  error         // its error, if waiters get it too; set before done is closed
}

// empty reports whether the slice has no batch, as while its first batch is being written.
func (e *entry) empty() bool { return e.content != nil && e.content.Index.Empty() }

// pinLoaded pins the entry of a slice and loads it if it is cold. If the store has no such entry, pinLoaded returns
// nil, or pins a new empty one if create is set. It blocks during an operation.
func (s *Store) pinLoaded(slice flow.Slice, create bool) (*entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pin(slice, create)
}

// pinAll pins the slices of batches in order. The order keeps two calls from waiting for each other's slices.
func (s *Store) pinAll(batches []flow.Written) ([]pinnedSlice, error) {
	pinned := make([]pinnedSlice, 0, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(batches) > 0 {
		n := 1
		for n < len(batches) && batches[n].Slice == batches[0].Slice {
			n++
		}
		e, err := s.pin(batches[0].Slice, true)
		if err != nil {
			for _, p := range pinned {
				s.unpin(p.entry)
			}
			return nil, err
		}
		pinned, batches = append(pinned, pinnedSlice{entry: e, batches: batches[:n]}), batches[n:]
	}
	return pinned, nil
}

// pin is pinLoaded with Store.mu locked. It unlocks Store.mu while it blocks.
func (s *Store) pin(slice flow.Slice, create bool) (*entry, error) {
	e, err := s.find(slice, anyOperation)
	if err != nil {
		return nil, err
	}
	if e == nil && !create {
		return nil, nil
	}
	if e == nil {
		e = &entry{slice: slice, changedAt: time.Now()}
		s.entries[slice] = e
		s.setWarm(e, content.New())
	}
	e.pins++
	if e.content == nil {
		if err := s.load(e); err != nil {
			s.unpin(e)
			return nil, err
		}
	}
	s.warm.MoveToBack(e.element)
	return e, nil
}

// anyOperation makes find wait for every operation.
func anyOperation(*entry) bool { return true }

// find returns the entry of a slice, nil if there is none, after the end of any operation selected by waitFor. It
// refuses an expired slice. The caller pins the entry, or begins an operation on it, before it unlocks Store.mu: Sweep
// waits for both. Store.mu is locked; find unlocks it while it waits.
func (s *Store) find(slice flow.Slice, waitFor func(*entry) bool) (*entry, error) {
	for {
		if err := s.refuseExpired(slice.Hour); err != nil {
			return nil, err
		}
		e := s.entries[slice]
		if e == nil || e.operation == nil || !waitFor(e) {
			return e, nil
		}
		if err := s.await(e.operation); err != nil {
			return nil, err
		}
	}
}

// await waits for the end of an operation and returns its shared error. Store.mu is locked; await unlocks it while it
// waits.
func (s *Store) await(o *operation) error {
	s.mu.Unlock()
	defer s.mu.Lock()
	<-o.done
	return o.err
}

// runExclusive runs fn as an operation on e, during which nobody pins e. With share set, waiters get the error of fn.
// Store.mu is locked; runExclusive unlocks it while fn runs.
func (s *Store) runExclusive(e *entry, share bool, fn func() error) error {
	o := &operation{done: make(chan struct{})}
	e.operation = o
	s.mu.Unlock()
	err := fn()
	s.mu.Lock()
	e.operation = nil
	if share {
		o.err = err
	}
	close(o.done)
	return err
}

// errInUse is the error of whenUnpinned for a slice in use.
var errInUse = errors.New("the slice is in use")

// unpinWait is the longest wait of whenUnpinned. New users of the slice wait for as long.
const unpinWait = time.Second

// whenUnpinned waits until e is unpinned and then runs fn as an operation. It fails with errInUse if e stays pinned for
// unpinWait. The caller has locked Store.mu and e has no operation in progress; whenUnpinned unlocks
// Store.mu while it waits and while fn runs.
func (s *Store) whenUnpinned(e *entry, fn func() error) error {
	return s.runExclusive(e, false, func() error {
		if !s.waitUnpinned(e) {
			return errInUse
		}
		return fn()
	})
}

// waitUnpinned waits until e is not pinned, or until unpinWait has passed, and reports whether it is unpinned. Nobody
// pins e anew, because an operation is in progress.
func (s *Store) waitUnpinned(e *entry) bool {
	s.mu.Lock()
	if e.pins == 0 {
		s.mu.Unlock()
		return true
	}
	e.unpinned = make(chan struct{})
	unpinned := e.unpinned
	s.mu.Unlock()
	timeout := time.NewTimer(unpinWait)
	defer timeout.Stop()
	select {
	case <-unpinned:
		return true
	case <-timeout.C:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e.unpinned = nil
	return e.pins == 0
}

// release ends a pin.
func (s *Store) release(e *entry) {
	s.mu.Lock()
	s.unpin(e)
	s.unlockAndWriteTotals()
}

// releaseLoaded ends a pin of a warm slice and estimates its memory again.
func (s *Store) releaseLoaded(e *entry) { s.releaseAll([]pinnedSlice{{entry: e}}) }

// releaseAll ends the pins of warm slices and counts the batches applied to them.
func (s *Store) releaseAll(pinned []pinnedSlice) {
	// The sizes are computed without Store.mu, because appliers hold the locks of a content for a while.
	sizes := make([]int64, len(pinned))
	for i, p := range pinned {
		sizes[i] = p.content.Size()
	}
	s.mu.Lock()
	defer s.unlockAndWriteTotals()
	for i, p := range pinned {
		s.setSize(p.entry, sizes[i])
		if p.applied > 0 {
			p.unsealed += p.applied
			p.changedAt = time.Now()
		}
		s.unpin(p.entry)
	}
}

// unpin ends a pin and enforces the memory budget. It removes an entry without a batch.
func (s *Store) unpin(e *entry) {
	e.pins--
	if e.pins == 0 && e.unpinned != nil {
		close(e.unpinned)
		e.unpinned = nil
	}
	if e.pins == 0 && e.operation == nil && e.empty() {
		s.setCold(e)
		delete(s.entries, e.slice)
	}
	s.enforceBudget(e)
}
