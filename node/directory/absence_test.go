package directory

import (
	"fmt"
	"testing"
	"time"

	"flowring/ring/roster"
)

func TestAbsenceIsCountedFromTheFirstMiss(t *testing.T) {
	b, c := roster.Store{ID: roster.NewStoreID(), Name: "b"}, roster.Store{ID: roster.NewStoreID(), Name: "c"}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var a Absence
	for _, step := range []struct {
		at     time.Duration
		silent bool // c; b answers always
		limit  time.Duration
		want   string
	}{
		{0, false, 0, "[]"},
		{time.Second, true, time.Hour, "[]"},
		{time.Hour, true, time.Hour, "[]"},
		{time.Hour + time.Second, true, time.Hour, "[c]"},
		{time.Hour + 2*time.Second, false, time.Hour, "[]"},
		{time.Hour + 3*time.Second, true, time.Hour, "[]"},
	} {
		answered := func(id roster.StoreID) bool { return id == b.ID || !step.silent }
		var names []string
		for _, s := range a.Update(start.Add(step.at), []roster.Store{b, c}, answered, step.limit) {
			names = append(names, s.Name)
		}
		if got := fmt.Sprint(names); got != step.want {
			t.Errorf("absent for %v after %v: %s, want %s", step.limit, step.at, got, step.want)
		}
	}
}
