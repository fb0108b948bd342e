package store

import (
	"errors"
	"fmt"

	"flowring/flow"
	"flowring/store/content"
	"flowring/store/damage"
	"flowring/store/digest"
	"flowring/store/pack"
)

// Reading is a slice at one moment.
type Reading = content.Reading

// Read returns a reading of the slice with every batch whose Apply returned before, and with all or nothing of any
// other batch (P11). The reading is empty if the store does not have the slice. Writers wait only while the totals
// are copied. Read blocks for the load of a cold slice.
func (s *Store) Read(slice flow.Slice) (*Reading, error) {
	e, err := s.pinLoaded(slice, false)
	if err != nil {
		return nil, fmt.Errorf("read slice: %w", err)
	}
	if e == nil {
		return new(Reading), nil
	}
	defer s.releaseLoaded(e)
	return e.content.Read(slice.Hour), nil
}

// Digest returns the dots of the readable batches of the slice; the caller may add to it. A cold slice stays cold:
// its digest is read once, from the keys of the journal.
func (s *Store) Digest(slice flow.Slice) (digest.Digest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.findDigest(slice)
	if err != nil {
		return digest.Digest{}, fmt.Errorf("digest of slice %s: %w", slice, err)
	}
	if e == nil {
		return digest.Digest{}, nil
	}
	return s.readableDigest(e), nil
}

// findDigest returns the entry of a slice, with its digest known, or nil if there is none. Store.mu is locked;
// findDigest unlocks it while it reads the journal.
func (s *Store) findDigest(slice flow.Slice) (*entry, error) {
	e, err := s.find(slice, (*entry).digestUnknown)
	if err != nil || e == nil || !e.digestUnknown() {
		return e, err
	}
	e.pins++
	defer s.unpin(e)
	dots, unsealed := new(digest.Digest), 0
	err = s.runExclusive(e, true, func() error {
		head, err := s.readHead(slice)
		if err != nil {
			return err
		}
		if head != nil {
			*dots = head.Digest
		}
		return s.journal.Dots(slice, func(dot flow.Dot) error {
			dots.Add(dot)
			unsealed++
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	e.coldDigest, e.unsealed = dots, unsealed
	return e, nil
}

// digestUnknown reports whether the digest of a cold slice has not been read yet.
func (e *entry) digestUnknown() bool { return e.content == nil && e.coldDigest == nil }

// digest returns a copy of the digest, which must be known.
func (e *entry) digest() digest.Digest {
	if e.content != nil {
		return e.content.Index.Digest()
	}
	return e.coldDigest.Clone()
}

// Missing calls fn with the frames of the batches of the slice outside of have, until fn fails. An Intake takes them
// in. The frames are those of the snapshot, if have lacks a part of it, and then one for each other batch, in the
// order of the dots. A cold slice stays cold. The slice is not dropped meanwhile. fn must not retain frame. Without a
// journal Missing fails with ErrNoJournal.
func (s *Store) Missing(slice flow.Slice, have digest.Digest, fn func(frame []byte) error) error {
	if s.journal == nil {
		return fmt.Errorf("missing batches of slice %s: %w", slice, ErrNoJournal)
	}
	e, missing, err := s.pinMissing(slice, have)
	if err != nil || e == nil {
		return err
	}
	defer s.release(e)
	head, err := s.readHead(slice)
	if err != nil {
		return err
	}
	if head != nil && !head.Digest.Intersect(missing).Empty() {
		if err := fn(head.Encode()); err != nil {
			return err
		}
		if err := s.journal.Pieces(slice, fn); err != nil {
			s.noteIfUnreadable(slice, err, head.Digest)
			return fmt.Errorf("snapshot of slice %s: %w", slice, err)
		}
		missing = missing.Minus(head.Digest)
	}
	return s.sendBatches(slice, missing, fn)
}

// sendBatches calls fn with batches of a slice. It skips unreadable batches and fails at the end if there were any.
func (s *Store) sendBatches(slice flow.Slice, missing digest.Digest, fn func(frame []byte) error) error {
	to := pack.Sender{Packs: s.journal.Packs(), Send: fn}
	bad, err := damage.Each(s.journal, slice, missing, to.Value)
	if err == nil {
		err = to.Flush()
	}
	if lost := (&damage.Error{Dots: bad}); !bad.Empty() && s.noteIfUnreadable(slice, lost, bad) {
		err = errors.Join(err, fmt.Errorf("missing batches of slice %s: %w", slice, lost))
	}
	return err
}

// pinMissing pins the entry of a slice and returns its dots outside of have. The entry is nil if there is none.
func (s *Store) pinMissing(slice flow.Slice, have digest.Digest) (*entry, digest.Digest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.find(slice, anyOperation) // a slice must not be pinned while it is being dropped
	if err != nil {
		return nil, digest.Digest{}, fmt.Errorf("missing batches of slice %s: %w", slice, err)
	}
	e, err := s.findDigest(slice)
	if err != nil {
		return nil, digest.Digest{}, fmt.Errorf("missing batches of slice %s: %w", slice, err)
	}
	if e == nil {
		return nil, digest.Digest{}, nil
	}
	e.pins++
	return e, s.readableDigest(e).Minus(have), nil
}
