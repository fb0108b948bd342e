package membership

import (
	"fmt"

	"flowring/internal/compat"
	"flowring/ring/roster"
)

// Floors returns the floors of retention, for the hours that take no new request and the hours that are deleted. They
// are on disk before Floors returns them.
func (s *State) Floors() roster.Floors { return s.Roster().Floors() }

// OnHours makes fn run with the present roster, for its floors and marks of hours, and with each later one once it is
// on disk. fn must not block. It must be called before other goroutines change the State.
func (s *State) OnHours(fn func(roster.Roster)) {
	s.onHours = fn
	fn(s.Roster())
}

// RaiseFloors raises the floors of the cluster, durably. Before the version with floors is on it changes nothing.
func (s *State) RaiseFloors(f roster.Floors) error {
	return s.change(func(r roster.Roster) (roster.Roster, error) {
		if !compat.Floors.On(r.Version()) {
			return r, nil
		}
		return r.WithFloors(f), nil
	})
}

// MarkHours adds marks of hours, durably. Before the version with marks is on it fails, and so it does beyond
// roster.MaxSpans.
func (s *State) MarkHours(m roster.Marks) error {
	return s.change(func(r roster.Roster) (roster.Roster, error) {
		if !compat.Erasure.On(r.Version()) {
			return r, fmt.Errorf("mark hours: needs version %d at all stores, and version %d is on", compat.Erasure, r.Version())
		}
		return r.WithMarks(m)
	})
}

// onlyFloors reports whether two rosters differ in floors and marks of hours alone, so that no store has other batches
// to keep.
func onlyFloors(a, b roster.Roster) bool { return a.WithoutFloors().Equal(b.WithoutFloors()) }

// durable returns the part of a roster that a disk gets.
func (s *State) durable(r roster.Roster) roster.Roster {
	if s.deps.DropFloors {
		return r.WithoutFloors()
	}
	return r
}
