package membership

import (
	"errors"
	"slices"
	"testing"

	"flowring/internal/compat"
	"flowring/ring/roster"
)

// Marks are durable, survive a restart, and wake no repair. Before their version is on nothing is marked.
func TestMarksOfHoursAreOnDisk(t *testing.T) {
	d := &diary{}
	m := founded(t, d, compat.Newest)
	marks := roster.Marks{{From: 489_600, To: 489_624}}
	if err := m.MarkHours(marks); err == nil || len(m.Roster().Marks()) > 0 {
		t.Errorf("MarkHours before the version = %v with marks %v, want an error and none", err, m.Roster().Marks())
	}
	changes := 0
	m.OnChange(func() { changes++ })
	if err := m.TurnOn(compat.Newest); err != nil {
		t.Fatal(err)
	}
	changes = 0
	if err := m.MarkHours(marks); err != nil || changes != 0 {
		t.Errorf("MarkHours = %v, %d changes, want none", err, changes)
	}
	if got := opened(t, d).Roster().Marks(); !slices.Equal(got, marks) {
		t.Errorf("marks after a restart are %v, want %v", got, marks)
	}
	d.fail = errors.New("disk")
	if err := m.MarkHours(roster.Marks{{From: 1, To: 2}}); !errors.Is(err, d.fail) || m.Roster().Marks().Closes(1) {
		t.Errorf("MarkHours on a failing disk = %v, want its error and no mark", err)
	}
}
