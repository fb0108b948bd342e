package store

import (
	"errors"
	"fmt"

	"flowring/flow"
	"flowring/store/digest"
	"flowring/store/snapshot"
)

// heat makes a slice warm.
func (s *Store) heat(h *held, c *content) {
	h.content, h.dots = c, nil
	h.place = s.warm.PushBack(h)
	s.resize(h, c.size())
}

// cool makes a slice cold, or ready to be forgotten.
func (s *Store) cool(h *held) {
	s.warm.Remove(h.place)
	s.resident -= h.counted
	h.content, h.place, h.counted = nil, nil, 0
}

// chill makes a slice cold and unread: what is true is in the journal.
func (s *Store) chill(h *held) {
	if h.content != nil {
		s.cool(h)
	}
	h.dots = nil
}

// resize notes how much memory the slice takes.
func (s *Store) resize(h *held, size int64) {
	s.resident += size - h.counted
	h.counted = size
}

// evict makes slices cold, the least recently used first, until memory is within the budget. It spares those in use, and keep:
// a slice larger than the budget would otherwise be loaded anew for each batch.
func (s *Store) evict(keep *held) {
	if s.budget == 0 {
		return
	}
	for e := s.warm.Front(); e != nil && s.resident > s.budget; {
		h := e.Value.(*held)
		e = e.Next()
		if h != keep && h.pins == 0 && h.busy == nil {
			s.freeze(h)
		}
	}
}

// freeze evicts a slice. Its digest, which is small, stays: most of what is asked about cold slices is whether it changed.
func (s *Store) freeze(h *held) {
	dots := h.content.marks.digest()
	s.log.Debug("slice leaves memory", "slice", h.slice, "bytes", h.counted)
	s.cool(h)
	h.dots = &dots
	s.counters.evictions.Add(1)
}

// load brings a pinned cold slice into memory. Store.mu is held before and after, not meanwhile.
func (s *Store) load(h *held) error {
	var c *content
	var loose int
	err := s.fly(h, true, func() (err error) {
		c, loose, err = s.loadContent(h.slice, nil)
		return err
	})
	var damaged *damagedError
	if errors.As(err, &damaged) {
		s.noteDamage(h.slice, damaged.dots)
	}
	if err != nil {
		return err
	}
	s.heat(h, c)
	h.loose = loose
	s.counters.loads.Add(1)
	s.log.Debug("slice enters memory", "slice", h.slice, "bytes", h.counted)
	s.evict(h)
	return nil
}

// loadContent folds what the journal has of the slice, the snapshot and the batches that are not in it; of these only those in the
// digest, if one is given. It returns how many there were.
func (s *Store) loadContent(slice flow.Slice, only *digest.Digest) (c *content, loose int, err error) {
	c = newContent()
	if err := s.loadSnapshot(c, slice); err != nil {
		if errors.Is(err, ErrUnreadable) {
			if bad, failed := s.inspect(slice); failed == nil && !bad.Empty() {
				err = &damagedError{bad}
			}
		}
		return nil, 0, fmt.Errorf("load slice %s: %w", slice, err)
	}
	err = s.journal.Load(slice, func(encoded []byte) error { return s.foldLoaded(c, encoded, only, &loose) })
	if errors.Is(err, ErrUnreadable) {
		c = newContent()
		if err = s.loadSnapshot(c, slice); err == nil {
			loose, err = s.loadOneByOne(c, slice, only)
		}
	}
	if err != nil {
		return nil, 0, fmt.Errorf("load slice %s: %w", slice, err)
	}
	return c, loose, nil
}

// loadSnapshot fills new content with the slice's snapshot, if it has one.
func (s *Store) loadSnapshot(c *content, slice flow.Slice) error {
	head, err := s.sealed(slice)
	if err != nil || head == nil {
		return err
	}
	pieces := uint32(0)
	err = s.journal.Pieces(slice, func(data []byte) error {
		p, err := snapshot.ParsePiece(slice, data)
		if err != nil {
			return err
		}
		c.addPiece(p)
		pieces++
		return nil
	})
	if err == nil && pieces != head.Pieces {
		err = fmt.Errorf("%w: %d of %d pieces of the snapshot", snapshot.ErrMalformed, pieces, head.Pieces)
	}
	c.marks.dots = head.Digest
	return err
}
