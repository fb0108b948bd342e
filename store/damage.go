package store

import (
	"errors"
	"fmt"
	"maps"

	"flowring/flow"
	"flowring/store/content"
	"flowring/store/digest"
)

// ErrUnreadable is the error of an unreadable value in the journal: its file was changed, or the disk is faulty.
var ErrUnreadable = errors.New("journal is corrupt")

// unreadableError is the error of a slice with unreadable batches.
type unreadableError struct{ dots digest.Digest }

func (e *unreadableError) Error() string {
	return fmt.Sprintf("%d batches cannot be read: %s", e.dots.Count(), e.dots)
}

func (e *unreadableError) Unwrap() error { return ErrUnreadable }

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

// addUnreadable records batches of a slice as unreadable. Store.mu is locked.
func (s *Store) addUnreadable(slice flow.Slice, dots digest.Digest) {
	if !s.unreadable[slice].Lacks(dots) {
		return
	}
	s.unreadable[slice] = s.unreadable[slice].Union(dots)
	s.log.Error("batches cannot be read", "slice", slice, "batches", s.unreadable[slice].Count())
}

// removeUnreadable records that batches of a slice were written again. Store.mu is locked.
func (s *Store) removeUnreadable(slice flow.Slice, dots digest.Digest) {
	left, found := s.unreadable[slice]
	if !found {
		return
	}
	if left = left.Minus(dots); !left.Empty() {
		s.unreadable[slice] = left
		return
	}
	delete(s.unreadable, slice)
	s.log.Info("batches can be read again", "slice", slice)
}

// noteIfUnreadable records batches as unreadable if err says so, and reports whether it does.
func (s *Store) noteIfUnreadable(slice flow.Slice, err error, dots digest.Digest) bool {
	if !errors.Is(err, ErrUnreadable) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addUnreadable(slice, dots)
	return true
}

// readableDigest returns the digest of a slice without the batches known to be unreadable. Store.mu is locked.
func (s *Store) readableDigest(e *entry) digest.Digest {
	if dots, found := s.unreadable[e.slice]; found {
		return e.digest().Minus(dots)
	}
	return e.digest()
}

// Scrub reads all values of a slice in the journal, and records unreadable batches. It returns the number of bytes. It
// fails with ErrUnreadable for damage to the dots or to the head of a snapshot, which no other store can repair.
func (s *Store) Scrub(slice flow.Slice) (bytes int, err error) {
	if s.journal == nil {
		return 0, nil
	}
	count := func(data []byte) error { bytes += len(data); return nil }
	err = errors.Join(s.journal.Load(slice, count), s.journal.Dots(slice, func(flow.Dot) error { return nil }))
	head, failed := s.readHead(slice)
	if failed == nil && head != nil {
		err = errors.Join(err, s.journal.Pieces(slice, count))
	}
	if failed != nil || !errors.Is(err, ErrUnreadable) {
		return bytes, errors.Join(failed, err)
	}
	dots, err := s.findUnreadable(slice)
	if err == nil && !dots.Empty() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.addUnreadable(slice, dots)
	}
	return bytes, err
}

// findUnreadable returns the unreadable batches of a slice. It reads the batches one by one, because a damaged file
// also has other batches.
func (s *Store) findUnreadable(slice flow.Slice) (bad digest.Digest, err error) {
	head, err := s.readHead(slice)
	if err != nil {
		return digest.Digest{}, err
	}
	if head != nil {
		if err := s.journal.Pieces(slice, func([]byte) error { return nil }); errors.Is(err, ErrUnreadable) {
			bad = head.Digest.Clone()
		} else if err != nil {
			return digest.Digest{}, err
		}
	}
	err = s.journal.Dots(slice, func(dot flow.Dot) error {
		_, err := s.journal.Get(slice, dot)
		if errors.Is(err, ErrUnreadable) {
			bad.Add(dot)
			return nil
		}
		return err
	})
	return bad, err
}

// loadOneByOne fills new content with the batches of a slice, and reads each of them by its dot. Load cannot read
// past the damage in a file, even after the damaged batches were written again.
func (s *Store) loadOneByOne(c *content.Content, slice flow.Slice, only *digest.Digest) (unsealed int, err error) {
	bad, err := s.findUnreadable(slice)
	if err != nil {
		return 0, err
	}
	if !bad.Empty() {
		return 0, &unreadableError{bad}
	}
	err = s.journal.Dots(slice, func(dot flow.Dot) error {
		encoded, err := s.journal.Get(slice, dot)
		if err != nil {
			return err
		}
		return s.foldLoaded(c, encoded, only, &unsealed)
	})
	return unsealed, err
}

// foldLoaded adds a batch from the journal to content without another user.
func (s *Store) foldLoaded(c *content.Content, encoded []byte, only *digest.Digest, unsealed *int) error {
	b, err := flow.ParseBatch(encoded)
	if err != nil {
		return err
	}
	if only == nil || only.Has(b.Dot) {
		_, saturated := c.Fold(b)
		s.counters.saturated.Add(uint64(saturated))
		*unsealed++
	}
	return nil
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
	s.removeUnreadable(w.Slice, digest.Of(w.Dot))
	if e.content == nil {
		s.reset(e) // the next use reads its digest again
	}
	return true, nil
}
