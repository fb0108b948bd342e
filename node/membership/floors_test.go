package membership

import (
	"errors"
	"testing"

	"flowring/internal/compat"
	"flowring/ring/roster"
)

func TestFloorsAreOnDiskBeforeANodeActsOnThem(t *testing.T) {
	first := roster.Floors{Closed: 489_700, Expired: 489_600}
	second := roster.Floors{Closed: 489_800, Expired: 489_500}
	for name, raise := range map[string]func(m *State, f roster.Floors) error{
		"raised here":           (*State).RaiseFloors,
		"heard of another node": func(m *State, f roster.Floors) error { return m.MergeRoster(m.Roster().WithFloors(f)) },
	} {
		t.Run(name, func(t *testing.T) {
			d := &diary{}
			m := founded(t, d, compat.Newest)
			if err := m.TurnOn(compat.Newest); err != nil {
				t.Fatal(err)
			}
			d.write = func() {
				if got := m.Floors(); got != (roster.Floors{}) {
					t.Errorf("the node acts on %v before the write, want none", got)
				}
			}
			if err := raise(m, first); err != nil || m.Floors() != first {
				t.Fatalf("raise = %v, floors %v, want %v", err, m.Floors(), first)
			}
			d.write, d.fail = nil, errors.New("disk")
			if err := raise(m, second); !errors.Is(err, d.fail) || m.Floors() != first {
				t.Errorf("raise on a failing disk = %v, floors %v, want its error and %v", err, m.Floors(), first)
			}
			d.fail = nil
			if err := raise(m, second); err != nil {
				t.Fatal(err)
			}
			if got, want := opened(t, d).Floors(), (roster.Floors{Closed: 489_800, Expired: 489_600}); got != want {
				t.Errorf("floors after a restart are %v, want %v", got, want)
			}
		})
	}
}

// Programs of version 2 keep floors without obeying them, so no store has floors before all of them obey.
func TestNothingRaisesFloorsBeforeTheirVersionIsOn(t *testing.T) {
	m := founded(t, &diary{}, compat.Newest)
	if err := errors.Join(m.TurnOn(compat.Version(compat.Floors)-1), m.RaiseFloors(roster.Floors{Closed: 7})); err != nil {
		t.Fatal(err)
	}
	if got := m.Floors(); got != (roster.Floors{}) {
		t.Errorf("floors are %v before their version is on, want none", got)
	}
}

// A raise moves no batch to another store.
func TestARaiseOfFloorsLeavesPlacementAndRepairAlone(t *testing.T) {
	m := founded(t, &diary{}, compat.Newest)
	if err := m.TurnOn(compat.Newest); err != nil {
		t.Fatal(err)
	}
	changes, before := 0, m.Ring()
	m.OnChange(func() { changes++ })
	if err := m.RaiseFloors(roster.Floors{Closed: 7}); err != nil || changes != 0 || m.Ring() != before {
		t.Errorf("RaiseFloors = %v, %d changes, new ring: %t, want none", err, changes, m.Ring() != before)
	}
	heard := m.Roster().WithFloors(roster.Floors{Closed: 8}).With(someStore("b"))
	if err := m.MergeRoster(heard); err != nil || changes != 1 || m.Ring() == before {
		t.Errorf("MergeRoster with a new store = %v, %d changes, new ring: %t, want both", err, changes, m.Ring() != before)
	}
}
