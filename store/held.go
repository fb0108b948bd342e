package store

import (
	"container/list"

	"flowring/flow"
)

// held is a slice that the store holds. It is warm, in memory, or cold, in the journal alone. All fields but slice are guarded
// by Store.mu; content has locks of its own.
//
// A user pins what it uses. A pinned slice is neither evicted nor dropped. While a load or a drop is under way, nobody pins:
// so the journal's part of a slice is at rest while it is loaded, and a batch is not applied to what is being dropped.
type held struct {
	slice   flow.Slice
	pins    int
	busy    *flight       // the load or drop under way
	content *content      // nil: cold
	place   *list.Element // in Store.warm; nil: cold
	counted int64         // bytes, as last estimated
	dots    *Digest       // of a cold slice, once it was asked for; what it points to does not change
}

// flight is an operation that others wait for.
type flight struct {
	done chan struct{} // closed when it is over
	err  error         // why it failed; set before done is closed
}

// empty reports whether no batch is held: of a slice whose first batch is being written.
func (h *held) empty() bool { return h.content != nil && h.content.marks.empty() }

// pinWarm pins the slice, having loaded it if it was cold. If nothing of it is held it returns nil, or, if create is set, pins
// a new empty one. It blocks while a load or a drop is under way.
func (s *Store) pinWarm(slice flow.Slice, create bool) (*held, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, err := s.find(slice, always)
	if err != nil {
		return nil, err
	}
	if h == nil && !create {
		return nil, nil
	}
	if h == nil {
		h = &held{slice: slice}
		s.held[slice] = h
		s.heat(h, newContent())
	}
	h.pins++
	if h.content == nil {
		if err := s.load(h); err != nil {
			s.unpin(h)
			return nil, err
		}
	}
	s.warm.MoveToBack(h.place)
	return h, nil
}

func always(*held) bool { return true }

// find returns the slice, nil if nothing of it is held, once nothing that must be waited for is under way there.
func (s *Store) find(slice flow.Slice, mustWait func(*held) bool) (*held, error) {
	for {
		h := s.held[slice]
		if h == nil || h.busy == nil || !mustWait(h) {
			return h, nil
		}
		if err := s.await(h.busy); err != nil {
			return nil, err
		}
	}
}

// await waits for the flight to end and returns its error. Store.mu is held before and after, not meanwhile.
func (s *Store) await(f *flight) error {
	s.mu.Unlock()
	defer s.mu.Lock()
	<-f.done
	return f.err
}

// fly runs fn while nobody pins h. Store.mu is held before and after, not meanwhile. With share, those who wait get fn's error.
func (s *Store) fly(h *held, share bool, fn func() error) error {
	f := &flight{done: make(chan struct{})}
	h.busy = f
	s.mu.Unlock()
	err := fn()
	s.mu.Lock()
	h.busy = nil
	if share {
		f.err = err
	}
	close(f.done)
	return err
}

// release ends a pin.
func (s *Store) release(h *held) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unpin(h)
}

// releaseWarm ends a pin on a warm slice, having estimated anew what memory that takes.
func (s *Store) releaseWarm(h *held) {
	size := h.content.size() // takes locks that appliers hold for a while, and so not within Store.mu
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resize(h, size)
	s.unpin(h)
}

// unpin ends a pin and keeps to the memory budget. A slice that turned out to have no batch is forgotten.
func (s *Store) unpin(h *held) {
	h.pins--
	if h.pins == 0 && h.empty() {
		s.cool(h)
		delete(s.held, h.slice)
	}
	s.evict(h)
}
