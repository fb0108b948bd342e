package store

import (
	"fmt"

	"flowring/flow"
	"flowring/store/digest"
)

// Drop removes the slice from this store if its digest is exactly d, and reports whether it did. It leaves a slice in
// use as it is, because a batch whose Apply is in progress belongs to another digest and must survive. The caller
// tries again later. Drop blocks for an fsync.
func (s *Store) Drop(slice flow.Slice, d digest.Digest) (dropped bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.findDigest(slice)
	if err != nil {
		return false, fmt.Errorf("drop slice %s: %w", slice, err)
	}
	if e == nil || e.operation != nil || e.pins > 0 || s.drafts[slice] > 0 || !e.digest().Equal(d) ||
		!s.unreadable[slice].Empty() {
		return false, nil
	}
	if err := s.remove([]*entry{e}, func() error { return s.journal.Drop(slice) }); err != nil {
		return false, fmt.Errorf("drop slice %s: %w", slice, err)
	}
	return true, nil
}

// remove removes entries without users from memory, and from the journal by drop. If the journal fails, their batches
// may be there or not. The entries are then reset, and the next use reads the journal. Store.mu is locked; remove
// unlocks it while drop runs.
func (s *Store) remove(all []*entry, drop func() error) error {
	o := &operation{done: make(chan struct{})}
	for _, e := range all {
		e.operation = o
	}
	var err error
	if s.journal != nil {
		s.mu.Unlock()
		err = drop()
		s.mu.Lock()
	}
	for _, e := range all {
		e.operation = nil
		s.reset(e)
		if err == nil {
			delete(s.entries, e.slice)
			delete(s.unreadable, e.slice)
		}
	}
	close(o.done)
	return err
}
