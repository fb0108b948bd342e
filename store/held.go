package store

import (
	"container/list"
	"errors"
	"time"

	"flowring/flow"
	"flowring/store/digest"
)

// held is a slice that the store holds. It is warm, in memory, or cold, in the journal alone. All fields but slice are guarded
// by Store.mu; content has locks of its own.
//
// A user pins what it uses. A pinned slice is neither evicted nor dropped, nor gets a snapshot. While a load, a drop or a change
// of the snapshot is under way, nobody pins: so the journal's part of a slice is at rest while it is loaded, and a batch is not
// applied to what is being dropped.
type held struct {
	slice   flow.Slice
	pins    int
	busy    *flight        // the load, drop or change of the snapshot under way
	content *content       // nil: cold
	place   *list.Element  // in Store.warm; nil: cold
	counted int64          // bytes, as last estimated
	loose   int            // batches that are not in the snapshot; not known while unread
	changed time.Time      // when a batch was applied last, or the store was opened
	idle    chan struct{}  // closed when the last pin ends, for who waits to be alone; nil: nobody does
	dots    *digest.Digest // of a cold slice, once it was asked for; what it points to does not change
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
	return s.pin(slice, create)
}

// pinAll pins the slices of batches that are in order: two callers that each wait for what the other has pinned would wait for long.
func (s *Store) pinAll(batches []flow.Written) ([]use, error) {
	uses := make([]use, 0, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(batches) > 0 {
		n := 1
		for n < len(batches) && batches[n].Slice == batches[0].Slice {
			n++
		}
		h, err := s.pin(batches[0].Slice, true)
		if err != nil {
			for _, u := range uses {
				s.unpin(u.held)
			}
			return nil, err
		}
		uses, batches = append(uses, use{held: h, batches: batches[:n]}), batches[n:]
	}
	return uses, nil
}

// pin is pinWarm. Store.mu is held before and after, not while it blocks.
func (s *Store) pin(slice flow.Slice, create bool) (*held, error) {
	h, err := s.find(slice, always)
	if err != nil {
		return nil, err
	}
	if h == nil && !create {
		return nil, nil
	}
	if h == nil {
		h = &held{slice: slice, changed: time.Now()}
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

// errInUse says that a slice was in use for too long.
var errInUse = errors.New("the slice is in use")

// aloneWait is how long those who use a slice are waited for, with who comes after them waiting too.
const aloneWait = time.Second

// alone runs fn once nobody pins h, of which nothing that must be waited for is under way. Store.mu is held before and after, not
// meanwhile. It fails with errInUse when h stays pinned.
func (s *Store) alone(h *held, fn func() error) error {
	return s.fly(h, false, func() error {
		if !s.untilIdle(h) {
			return errInUse
		}
		return fn()
	})
}

// untilIdle waits until h is not pinned. Nobody pins it anew, for it is busy.
func (s *Store) untilIdle(h *held) bool {
	s.mu.Lock()
	if h.pins == 0 {
		s.mu.Unlock()
		return true
	}
	h.idle = make(chan struct{})
	idle := h.idle
	s.mu.Unlock()
	timeout := time.NewTimer(aloneWait)
	defer timeout.Stop()
	select {
	case <-idle:
		return true
	case <-timeout.C:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h.idle = nil
	return h.pins == 0
}

// release ends a pin.
func (s *Store) release(h *held) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unpin(h)
}

// releaseWarm ends a pin on a warm slice, having estimated anew what memory that takes.
func (s *Store) releaseWarm(h *held) { s.releaseAll([]use{{held: h}}) }

// releaseAll ends the pins of warm slices to which batches were applied.
func (s *Store) releaseAll(uses []use) {
	sizes := make([]int64, len(uses)) // found out with locks that appliers hold for a while, and so not within Store.mu
	for i, u := range uses {
		sizes[i] = u.content.size()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, u := range uses {
		s.resize(u.held, sizes[i])
		if u.applied > 0 {
			u.loose += u.applied
			u.changed = time.Now()
		}
		s.unpin(u.held)
	}
}

// unpin ends a pin and keeps to the memory budget. A slice that turned out to have no batch is forgotten.
func (s *Store) unpin(h *held) {
	h.pins--
	if h.pins == 0 && h.idle != nil {
		close(h.idle)
		h.idle = nil
	}
	if h.pins == 0 && h.busy == nil && h.empty() {
		s.cool(h)
		delete(s.held, h.slice)
	}
	s.evict(h)
}
