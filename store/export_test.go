package store

import (
	"flowring/flow"
	"flowring/store/damage"
)

// Verify scrubs a slice, and also fails with ErrUnreadable if batches of it are unreadable.
func (s *Store) Verify(slice flow.Slice) error {
	_, err := s.Scrub(slice)
	s.mu.Lock()
	defer s.mu.Unlock()
	if bad, found := s.unreadable[slice]; found && err == nil {
		return &damage.Error{Dots: bad}
	}
	return err
}
