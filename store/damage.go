package store

import (
	"errors"
	"fmt"
	"maps"

	"flowring/flow"
	"flowring/store/content"
	"flowring/store/damage"
	"flowring/store/digest"
	"flowring/store/pack"
)

// ErrUnreadable is the error of an unreadable value in the journal.
var ErrUnreadable = damage.ErrUnreadable

// Unreadable returns the number of batches of a slice known to be unreadable here. No digest contains them until an
// Intake brings them again.
func (s *Store) Unreadable(slice flow.Slice) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unreadable[slice].Count()
}

// AllUnreadable returns the number of batches of all slices known to be unreadable here.
func (s *Store) AllUnreadable() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return digest.Count(maps.Values(s.unreadable))
}

// noteIfUnreadable records batches as unreadable if err says so, and reports whether it does.
func (s *Store) noteIfUnreadable(slice flow.Slice, err error, dots digest.Digest) bool {
	if !errors.Is(err, ErrUnreadable) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unreadable.Add(s.log, slice, dots)
	return true
}

// readableDigest returns the digest of a slice without the batches known to be unreadable. Store.mu is locked.
func (s *Store) readableDigest(e *entry) digest.Digest {
	if dots, found := s.unreadable[e.slice]; found {
		return e.digest().Minus(dots)
	}
	return e.digest()
}

// findUnreadable returns the unreadable batches of a slice.
func (s *Store) findUnreadable(slice flow.Slice) (bad digest.Digest, err error) {
	head, err := s.readHead(slice)
	if err != nil {
		return bad, err
	}
	return damage.Find(s.journal, slice, head)
}

// foldLoaded adds the batches of a value from the journal to content without another user.
func (s *Store) foldLoaded(c *content.Content, value []byte, only *digest.Digest, unsealed *int) error {
	batches, err := pack.Batches(value)
	for i := range batches {
		if b := &batches[i]; only == nil || only.Has(b.Dot) {
			_, saturated := c.Fold(b)
			s.counters.Saturated.Add(uint64(saturated))
			*unsealed++
		}
	}
	return err
}

// rewrite writes a batch of a slice with unreadable batches: an unreadable one, or any one if the slice is cold,
// because it cannot be loaded. It reports whether the batch was one to rewrite.
func (s *Store) rewrite(w flow.Written) (done bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unreadable[w.Slice].Empty() {
		return false, nil
	}
	e, err := s.find(w.Slice, anyOperation)
	if err != nil || e == nil || e.content != nil && !s.unreadable[w.Slice].Has(w.Dot) {
		return false, err
	}
	if err := s.whenUnpinned(e, func() error { return s.journal.Append(w) }); err != nil {
		return true, fmt.Errorf("rewrite %s: %w", describe([]flow.Written{w}), err)
	}
	s.unreadable.Remove(s.log, w.Slice, digest.Of(w.Dot))
	if e.content == nil {
		s.reset(e) // the next use reads its digest again
	}
	return true, nil
}
