package store

import (
	"errors"
	"testing"

	"flowring/flow"
)

// limited returns an open store on the journal with limits.
func limited(t *testing.T, j Journal, l Limits) *Store {
	t.Helper()
	s := New(Config{Limits: l}, Deps{Journal: j})
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCheckKeepsToTheLimits(t *testing.T) {
	keyed := batchOf(t, noon, dot(1, 9), record("z", "z2", 1, 1))
	keyed.ID, keyed.Key = flow.ID{7}, flow.ID{7}
	other := flow.Slice{Hour: noon.Hour + 1}
	tests := []struct {
		name   string
		limits Limits
		batch  *flow.Batch
		want   error
	}{
		{"no limits", Limits{}, batchOf(t, noon, dot(2, 1), record("c", "d", 1, 1)), nil},
		{"a new flow when there are as many as may be", Limits{Flows: 3}, batchOf(t, noon, dot(2, 1), record("a", "c", 1, 1)), ErrTooManyFlows},
		{"a new flow that just fits", Limits{Flows: 4}, batchOf(t, noon, dot(2, 1), record("a", "c", 1, 1)), nil},
		{"two new flows, of which one fits", Limits{Flows: 4}, batchOf(t, noon, dot(2, 1), record("a", "c", 1, 1), record("b", "c", 1, 1)), ErrTooManyFlows},
		{"more of the flows that there are", Limits{Flows: 3}, batchOf(t, noon, dot(2, 1), record("a", "b", 1, 1), record("b", "a", 1, 1)), nil},
		{"more of the flows that there are, although they are too many", Limits{Flows: 1}, batchOf(t, noon, dot(2, 1), record("a", "b", 1, 1)), nil},
		{"a new name when there are as many as may be", Limits{Names: 5}, batchOf(t, noon, dot(2, 1), record("a", "c", 1, 1)), ErrTooManyNames},
		{"a new name that just fits", Limits{Names: 6}, batchOf(t, noon, dot(2, 1), record("a", "c", 1, 1)), nil},
		{"names that there are, in a new flow", Limits{Names: 5}, batchOf(t, noon, dot(2, 1), record("b", "z", 1, 1)), nil},
		{"a new hour when there are as many as may be", Limits{Slices: 1}, batchOf(t, other, dot(2, 1), record("a", "b", 1, 1)), ErrTooManySlices},
		{"a new hour that just fits", Limits{Slices: 2}, batchOf(t, other, dot(2, 1), record("a", "b", 1, 1)), nil},
		{"a new hour of too many flows", Limits{Flows: 1}, batchOf(t, other, dot(2, 1), record("a", "b", 1, 1), record("b", "a", 1, 1)), ErrTooManyFlows},
		{"a new hour of too many names", Limits{Names: 2}, batchOf(t, other, dot(2, 1), record("a", "b", 1, 1)), ErrTooManyNames},
		{"an hour that is there when there are too many", Limits{Slices: 1}, batchOf(t, noon, dot(2, 1), record("a", "b", 1, 1)), nil},
		{"a replay when all is full", Limits{Flows: 1, Names: 1, Slices: 1}, keyed, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			j := newMemJournal()
			s := opened(t, j, 0)
			apply(t, s, batchOf(t, noon, dot(1, 1), record("a", "b", 1, 1), record("b", "a", 1, 1)))
			apply(t, s, keyed)
			s = limited(t, j, test.limits)
			_, err := s.Check(written(test.batch)...)
			if !errors.Is(err, test.want) {
				t.Errorf("Check = %v, want %v", err, test.want)
			}
			stats := s.Stats()
			if n := stats.TooManyFlows + stats.TooManyNames + stats.TooManySlices; (n == 1) != (test.want != nil) {
				t.Errorf("%d refusals are counted, want them to go with %v", n, test.want)
			}
			if _, err := s.CheckAgain(written(test.batch)...); err != nil {
				t.Errorf("CheckAgain = %v, want nil", err)
			}
			if err := s.Apply(written(test.batch)...); err != nil { // P4: what was admitted elsewhere is taken
				t.Errorf("Apply = %v, want nil", err)
			}
		})
	}
}

func TestStatsTellWhatTheFullestSliceHas(t *testing.T) {
	s := opened(t, newMemJournal(), 0)
	apply(t, s, batchOf(t, noon, dot(1, 1), record("a", "b", 1, 1), record("b", "a", 1, 1)))
	apply(t, s, batchOf(t, flow.Slice{Hour: 1}, dot(1, 1), record("a", "b", 1, 1)))
	if got := s.Stats(); got.MostFlows != 2 || got.MostNames != 3 {
		t.Errorf("Stats() has %d flows and %d names, want 2 and 3: of the fullest slice", got.MostFlows, got.MostNames)
	}
}
