package store

import (
	"errors"
	"fmt"

	"flowring/flow"
	"flowring/store/content"
	"flowring/store/damage"
	"flowring/store/digest"
	"flowring/store/snapshot"
)

// setWarm makes an entry warm.
func (s *Store) setWarm(e *entry, c *content.Content) {
	e.content, e.coldDigest, e.coldTotals = c, nil, nil
	e.element = s.warm.PushBack(e)
	s.setSize(e, c.Size())
}

// setCold takes the content of a warm entry out of memory.
func (s *Store) setCold(e *entry) {
	s.warm.Remove(e.element)
	s.resident -= e.size
	e.content, e.element, e.size = nil, nil, 0
}

// reset makes an entry cold and forgets its digest. The next use reads both from the journal.
func (s *Store) reset(e *entry) {
	if e.content != nil {
		s.setCold(e)
	}
	e.coldDigest, e.coldTotals = nil, nil
}

// setSize records the memory of an entry.
func (s *Store) setSize(e *entry, size int64) {
	s.resident += size - e.size
	e.size = size
}

// enforceBudget evicts the least recently used slices until memory is within the budget. It spares slices in use, and
// keep, because a slice larger than the budget would otherwise be loaded again for each batch.
func (s *Store) enforceBudget(keep *entry) {
	if s.budget == 0 {
		return
	}
	for next := s.warm.Front(); next != nil && s.resident > s.budget; {
		e := next.Value.(*entry)
		next = next.Next()
		if e != keep && e.pins == 0 && e.operation == nil {
			s.evict(e)
		}
	}
}

// evict makes an entry cold. Its digest and its totals, which are small, stay, because most questions about a cold
// slice are whether it has changed, and for its sums.
func (s *Store) evict(e *entry) {
	sums, dots := e.content.Totals()
	s.log.Debug("slice leaves memory", "slice", e.slice, "bytes", e.size)
	s.setCold(e)
	e.coldDigest, e.coldTotals = &dots, &sums
	s.unwritten = append(s.unwritten, e.slice)
	s.counters.Evictions.Add(1)
}

// load makes a pinned cold entry warm. Store.mu is locked; load unlocks it while it reads the journal.
func (s *Store) load(e *entry) error {
	var c *content.Content
	var unsealed int
	err := s.runExclusive(e, true, func() (err error) {
		c, unsealed, err = s.loadContent(e.slice, nil)
		return err
	})
	var failed *damage.Error
	if errors.As(err, &failed) {
		s.unreadable.Add(s.log, e.slice, failed.Dots)
	}
	if err != nil {
		return err
	}
	s.setWarm(e, c)
	e.unsealed = unsealed
	s.counters.Loads.Add(1)
	s.log.Debug("slice enters memory", "slice", e.slice, "bytes", e.size)
	s.enforceBudget(e)
	return nil
}

// loadContent folds the snapshot of a slice and the batches outside of it, or, if only is not nil, those of them in
// only. It returns the number of these batches.
func (s *Store) loadContent(slice flow.Slice, only *digest.Digest) (c *content.Content, unsealed int, err error) {
	c = content.New()
	if err := s.loadSnapshot(c, slice); err != nil {
		if errors.Is(err, ErrUnreadable) {
			if bad, failed := s.findUnreadable(slice); failed == nil && !bad.Empty() {
				err = &damage.Error{Dots: bad}
			}
		}
		return nil, 0, fmt.Errorf("load slice %s: %w", slice, err)
	}
	fold := func(value []byte) error { return s.foldLoaded(c, value, only, &unsealed) }
	if err = s.journal.Load(slice, fold); errors.Is(err, ErrUnreadable) {
		c, unsealed = content.New(), 0
		if err = s.loadSnapshot(c, slice); err == nil {
			err = damage.ByDot{Journal: s.journal}.Load(slice, fold)
		}
	}
	if err != nil {
		return nil, 0, fmt.Errorf("load slice %s: %w", slice, err)
	}
	return c, unsealed, nil
}

// loadSnapshot fills new content with the snapshot of the slice, if it has one.
func (s *Store) loadSnapshot(c *content.Content, slice flow.Slice) error {
	head, err := s.readHead(slice)
	if err != nil || head == nil {
		return err
	}
	err = head.EachPiece(s.journal.Pieces, func(p snapshot.Piece) error {
		c.AddPiece(p)
		return nil
	})
	c.Index.SetDigest(head.Digest)
	return err
}
