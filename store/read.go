package store

import (
	"errors"
	"fmt"

	"flowring/flow"
	"flowring/store/digest"
)

// Read returns the slice as it is now: every batch whose Apply returned before, and of others all or nothing (P11). Of a slice
// that is not held it returns an empty reading. Writers wait only while the totals are copied. It blocks for a load if the slice
// is cold.
func (s *Store) Read(slice flow.Slice) (*Reading, error) {
	h, err := s.pinWarm(slice, false)
	if err != nil {
		return nil, fmt.Errorf("read slice: %w", err)
	}
	if h == nil {
		return new(Reading), nil
	}
	defer s.releaseWarm(h)
	return h.content.read(slice.Hour), nil
}

// Digest returns the dots of the batches held of the slice; the caller may add to it. A cold slice stays cold: its digest is
// read from the journal's keys, once.
func (s *Store) Digest(slice flow.Slice) (digest.Digest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, err := s.findDots(slice)
	if err != nil {
		return digest.Digest{}, fmt.Errorf("digest of slice %s: %w", slice, err)
	}
	if h == nil {
		return digest.Digest{}, nil
	}
	return s.sound(h), nil
}

// findDots returns the slice with its digest known, nil if nothing of it is held.
func (s *Store) findDots(slice flow.Slice) (*held, error) {
	h, err := s.find(slice, (*held).unread)
	if err != nil || h == nil || !h.unread() {
		return h, err
	}
	h.pins++
	defer s.unpin(h)
	dots, loose := new(digest.Digest), 0
	err = s.fly(h, true, func() error {
		head, err := s.sealed(slice)
		if err != nil {
			return err
		}
		if head != nil {
			*dots = head.Digest
		}
		return s.journal.Dots(slice, func(dot flow.Dot) error {
			dots.Add(dot)
			loose++
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	h.dots, h.loose = dots, loose
	return h, nil
}

// unread reports whether the digest is not known yet.
func (h *held) unread() bool { return h.content == nil && h.dots == nil }

// digest returns a copy of the digest, which must be known.
func (h *held) digest() digest.Digest {
	if h.content != nil {
		return h.content.marks.digest()
	}
	return h.dots.Clone()
}

// Missing calls fn with what somebody who has have needs to hold all that is held here of the slice, until fn fails: the frames
// that Intake takes in. They are the snapshot, if have lacks a part of it, and then each other batch that have lacks, in the order
// of the dots. A cold slice stays cold. The slice is not dropped meanwhile. fn must not retain frame. Without a journal it fails
// with ErrNoJournal.
func (s *Store) Missing(slice flow.Slice, have digest.Digest, fn func(frame []byte) error) error {
	if s.journal == nil {
		return fmt.Errorf("missing batches of slice %s: %w", slice, ErrNoJournal)
	}
	h, missing, err := s.pinMissing(slice, have)
	if err != nil || h == nil {
		return err
	}
	defer s.release(h)
	head, err := s.sealed(slice)
	if err != nil {
		return err
	}
	if head != nil && !head.Digest.Intersect(missing).Empty() {
		if err := fn(head.Encode()); err != nil {
			return err
		}
		if err := s.journal.Pieces(slice, fn); err != nil {
			s.damage(slice, err, head.Digest)
			return fmt.Errorf("snapshot of slice %s: %w", slice, err)
		}
		missing = missing.Minus(head.Digest)
	}
	return s.giveAll(slice, missing, fn)
}

// giveAll calls fn with batches of a slice. Those that cannot be read do not keep it from the others: it fails at its end.
func (s *Store) giveAll(slice flow.Slice, missing digest.Digest, fn func(frame []byte) error) (failed error) {
	for dot := range missing.Dots() {
		encoded, err := s.journal.Get(slice, dot)
		if err != nil {
			failed = fmt.Errorf("missing batch %s of slice %s: %w", dot, slice, err)
			if !s.damage(slice, err, digest.Of(dot)) {
				return failed
			}
			continue
		}
		if err := fn(encoded); err != nil {
			return err
		}
	}
	return failed
}

// damage notes that batches cannot be read, if that is what an error says.
func (s *Store) damage(slice flow.Slice, err error, dots digest.Digest) bool {
	if !errors.Is(err, ErrUnreadable) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noteDamage(slice, dots)
	return true
}

// pinMissing pins the slice, nil if nothing of it is held, and returns what have lacks of it.
func (s *Store) pinMissing(slice flow.Slice, have digest.Digest) (*held, digest.Digest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.find(slice, always) // what is being dropped must not be pinned
	if err != nil {
		return nil, digest.Digest{}, fmt.Errorf("missing batches of slice %s: %w", slice, err)
	}
	h, err := s.findDots(slice)
	if err != nil {
		return nil, digest.Digest{}, fmt.Errorf("missing batches of slice %s: %w", slice, err)
	}
	if h == nil {
		return nil, digest.Digest{}, nil
	}
	h.pins++
	return h, s.sound(h).Minus(have), nil
}
