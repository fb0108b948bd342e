package store

import (
	"errors"
	"fmt"
	"maps"

	"flowring/flow"
	"flowring/store/digest"
)

// ErrUnreadable says that the journal holds something that cannot be read: its file was changed, or the disk is bad.
var ErrUnreadable = errors.New("journal is corrupt")

// damagedError says which batches of a slice cannot be read.
type damagedError struct{ dots digest.Digest }

func (e *damagedError) Error() string {
	return fmt.Sprintf("%d batches cannot be read: %s", e.dots.Count(), e.dots)
}

func (e *damagedError) Unwrap() error { return ErrUnreadable }

// Unreadable returns how many batches of a slice are known to be unreadable here. They are in no digest, until Intake brings them again.
func (s *Store) Unreadable(slice flow.Slice) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.damaged[slice].Count()
}

// AllUnreadable returns how many batches of all slices are known to be unreadable here.
func (s *Store) AllUnreadable() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return digest.Count(maps.Values(s.damaged))
}

// noteDamage notes that batches of a slice cannot be read. Store.mu is held.
func (s *Store) noteDamage(slice flow.Slice, dots digest.Digest) {
	if !s.damaged[slice].Lacks(dots) {
		return
	}
	s.damaged[slice] = s.damaged[slice].Union(dots)
	s.log.Error("batches cannot be read", "slice", slice, "batches", s.damaged[slice].Count())
}

// noteRepair notes that batches of a slice were written again. Store.mu is held.
func (s *Store) noteRepair(slice flow.Slice, dots digest.Digest) {
	left, found := s.damaged[slice]
	if !found {
		return
	}
	if left = left.Minus(dots); !left.Empty() {
		s.damaged[slice] = left
		return
	}
	delete(s.damaged, slice)
	s.log.Info("batches can be read again", "slice", slice)
}

// sound returns the digest of what can be read of a slice, as far as known. Store.mu is held.
func (s *Store) sound(h *held) digest.Digest {
	if dots, damaged := s.damaged[h.slice]; damaged {
		return h.digest().Minus(dots)
	}
	return h.digest()
}

// Scrub reads everything that the journal has of a slice and notes the batches that cannot be read. It returns the number of bytes.
// It fails with ErrUnreadable for damage to the dots or to the head of a snapshot, because no other store can make that good.
func (s *Store) Scrub(slice flow.Slice) (bytes int, err error) {
	if s.journal == nil {
		return 0, nil
	}
	count := func(data []byte) error { bytes += len(data); return nil }
	err = errors.Join(s.journal.Load(slice, count), s.journal.Dots(slice, func(flow.Dot) error { return nil }))
	head, failed := s.sealed(slice)
	if failed == nil && head != nil {
		err = errors.Join(err, s.journal.Pieces(slice, count))
	}
	if failed != nil || !errors.Is(err, ErrUnreadable) {
		return bytes, errors.Join(failed, err)
	}
	dots, err := s.inspect(slice)
	if err == nil && !dots.Empty() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.noteDamage(slice, dots)
	}
	return bytes, err
}

// inspect returns the batches of a slice that cannot be read: one by one, because others are in the same file.
func (s *Store) inspect(slice flow.Slice) (bad digest.Digest, err error) {
	head, err := s.sealed(slice)
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

// loadOneByOne fills new content with the batches of a slice, each read by itself: a file that is damaged cannot be read through, also
// after its batches were written again.
func (s *Store) loadOneByOne(c *content, slice flow.Slice, only *digest.Digest) (loose int, err error) {
	bad, err := s.inspect(slice)
	if err != nil {
		return 0, err
	}
	if !bad.Empty() {
		return 0, &damagedError{bad}
	}
	err = s.journal.Dots(slice, func(dot flow.Dot) error {
		encoded, err := s.journal.Get(slice, dot)
		if err != nil {
			return err
		}
		return s.foldLoaded(c, encoded, only, &loose)
	})
	return loose, err
}

// foldLoaded adds a batch from the journal to content that nobody else uses yet.
func (s *Store) foldLoaded(c *content, encoded []byte, only *digest.Digest, loose *int) error {
	b, err := flow.ParseBatch(encoded)
	if err != nil {
		return err
	}
	if only == nil || only.Has(b.Dot) {
		_, saturated := c.fold(b)
		s.counters.saturated.Add(uint64(saturated))
		*loose++
	}
	return nil
}

// mend writes a batch of a damaged slice: one that could not be read, or any if the slice cannot be loaded. It reports whether it did.
func (s *Store) mend(w flow.Written) (done bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.damaged[w.Slice].Empty() {
		return false, nil
	}
	h, err := s.find(w.Slice, always)
	if err != nil || h == nil || h.content != nil && !s.damaged[w.Slice].Has(w.Dot) {
		return false, err
	}
	if err := s.alone(h, func() error { return s.journal.Append(w) }); err != nil {
		return true, fmt.Errorf("mend %s: %w", nameOf([]flow.Written{w}), err)
	}
	s.noteRepair(w.Slice, digest.Of(w.Dot))
	if h.content == nil {
		s.chill(h) // its digest is read anew
	}
	return true, nil
}
