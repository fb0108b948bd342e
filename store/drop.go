package store

import (
	"fmt"

	"flowring/flow"
	"flowring/store/digest"
)

// Drop removes the slice from this store if its digest is exactly d, and reports whether it did. It removes nothing of a slice
// that is in use: a batch whose Apply is under way would make the digest another, and so would have to survive. The caller
// asks again later. It blocks for an fsync.
func (s *Store) Drop(slice flow.Slice, d digest.Digest) (dropped bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, err := s.findDots(slice)
	if err != nil {
		return false, fmt.Errorf("drop slice %s: %w", slice, err)
	}
	if h == nil || h.busy != nil || h.pins > 0 || s.drafts[slice] > 0 || !h.digest().Equal(d) || !s.damaged[slice].Empty() {
		return false, nil
	}
	if err := s.erase(h); err != nil {
		return false, fmt.Errorf("drop slice %s: %w", slice, err)
	}
	return true, nil
}

// erase removes a slice that nobody has pinned. Should the journal fail, the batches may be there or not: the slice becomes
// cold and unknown, so that what is true is read from the journal.
func (s *Store) erase(h *held) error {
	var err error
	if s.journal != nil {
		err = s.fly(h, false, func() error { return s.journal.Drop(h.slice) })
	}
	s.chill(h)
	if err == nil {
		delete(s.held, h.slice)
	}
	return err
}
