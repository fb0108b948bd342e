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
	if e == nil || e.operation != nil || e.pins > 0 || s.drafts[slice] > 0 || !e.digest().Equal(d) || !s.unreadable[slice].Empty() {
		return false, nil
	}
	if err := s.remove(e); err != nil {
		return false, fmt.Errorf("drop slice %s: %w", slice, err)
	}
	return true, nil
}

// remove removes an unpinned entry. If the journal fails, the batches may be there or not. The entry is then reset,
// and the next use reads the journal.
func (s *Store) remove(e *entry) error {
	var err error
	if s.journal != nil {
		err = s.runExclusive(e, false, func() error { return s.journal.Drop(e.slice) })
	}
	s.reset(e)
	if err == nil {
		delete(s.entries, e.slice)
	}
	return err
}
