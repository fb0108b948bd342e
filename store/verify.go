package store

import (
	"errors"
	"fmt"

	"flowring/flow"
	"flowring/store/damage"
	"flowring/store/outline"
)

// ErrDiverged is the error of a slice whose totals, in memory or on disk, are not the fold of its batches (P15).
var ErrDiverged = outline.ErrDiverged

// Scrub reads all values of a slice in the journal, records unreadable batches, and compares the fold of a slice
// without such batches with the slice in memory, or with the totals of a cold slice (P15). It leaves a cold slice cold
// and needs no room for it; of a warm one it copies the totals. It returns the number of bytes read. Batches may be
// applied meanwhile: Scrub compares only the ones before.
//
// Scrub fails with ErrUnreadable for damage to the dots or to the head of a snapshot, which no other store can repair,
// and with ErrDiverged if the totals differ. Then the slice leaves memory, so that its next use folds it again.
func (s *Store) Scrub(slice flow.Slice) (bytes int, err error) {
	if s.journal == nil {
		return 0, fmt.Errorf("scrub slice %s: %w", slice, ErrNoJournal)
	}
	if bytes, err = s.scrub(slice); errors.Is(err, ErrDiverged) {
		err = errors.Join(err, s.foldAgain(slice))
	}
	if err != nil {
		return bytes, fmt.Errorf("scrub slice %s: %w", slice, err)
	}
	return bytes, nil
}

func (s *Store) scrub(slice flow.Slice) (bytes int, err error) {
	e, known, err := s.pinKnown(slice)
	if err != nil || e == nil {
		return 0, err
	}
	defer s.release(e)
	head, err := s.readHead(slice)
	if err != nil {
		return 0, err
	}
	if err := s.journal.Dots(slice, func(flow.Dot) error { return nil }); err != nil {
		return 0, err
	}
	o, err := outline.Of(s.journal, slice, head, &known.Digest)
	if errors.Is(err, ErrUnreadable) {
		bad, failed := damage.Find(s.journal, slice, head)
		if failed != nil || !bad.Empty() {
			s.noteIfUnreadable(slice, err, bad)
			return o.Bytes, failed
		}
		o, err = outline.Of(damage.ByDot{Journal: s.journal}, slice, head, &known.Digest)
	}
	if err != nil || s.Unreadable(slice) > 0 || o.Agrees(known) {
		return o.Bytes, err
	}
	c, _, err := s.loadContent(slice, &known.Digest)
	if err != nil {
		return o.Bytes, err
	}
	r := c.Read(slice.Hour)
	if difference := known.Difference(&r.View, r.Digest(), r.Totals()); difference != "" {
		err = fmt.Errorf("%w: %s", ErrDiverged, difference)
	}
	return o.Bytes, err
}

// pinKnown pins the entry of a slice, and returns what the store says of it. The entry is nil if there is none.
func (s *Store) pinKnown(slice flow.Slice) (*entry, outline.Known, error) {
	s.mu.Lock()
	e, err := s.find(slice, anyOperation) // a slice must not be pinned while it is being dropped
	if err == nil {
		e, err = s.findDigest(slice)
	}
	if err != nil || e == nil {
		s.mu.Unlock()
		return nil, outline.Known{}, err
	}
	e.pins++
	c, known := e.content, outline.Known{Digest: e.digest(), Sealed: e.unsealed == 0}
	if e.coldTotals != nil {
		known.Sums = append(known.Sums, *e.coldTotals)
	}
	s.mu.Unlock()
	if c != nil {
		r := c.Read(slice.Hour) // waits for writers
		known.View, known.Digest = &r.View, r.Digest()
	}
	if stored, found := s.storedTotals(slice, known.Digest); found {
		known.Sums = append(known.Sums, stored)
	}
	return e, known, nil
}

// foldAgain takes a slice out of memory, loads it, and writes its totals on disk.
func (s *Store) foldAgain(slice flow.Slice) error {
	s.mu.Lock()
	e, err := s.find(slice, anyOperation)
	if err == nil && e != nil {
		if err = s.whenUnpinned(e, func() error { return nil }); err == nil {
			s.reset(e)
		}
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	if e, err = s.pinLoaded(slice, false); err != nil || e == nil {
		return err
	}
	t, d := e.content.Totals()
	s.releaseLoaded(e)
	s.saveTotals(slice, t, d)
	return nil
}
