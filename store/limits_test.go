package store

import (
	"errors"
	"math"
	"testing"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/store/limits"
)

// limited returns an open store on the journal with limits.
func limited(t *testing.T, j Journal, l limits.Limits) *Store {
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
		limits limits.Limits
		batch  *flow.Batch
		want   error
	}{
		{"no limits", limits.Limits{}, batchOf(t, noon, dot(2, 1), record("c", "d", 1, 1)), nil},
		{"a new flow at the limit", limits.Limits{Flows: 3}, batchOf(t, noon, dot(2, 1), record("a", "c", 1, 1)), contract.TooManyFlows},
		{"a new flow that just fits", limits.Limits{Flows: 4}, batchOf(t, noon, dot(2, 1), record("a", "c", 1, 1)), nil},
		{"two new flows with room for one", limits.Limits{Flows: 4}, batchOf(t, noon, dot(2, 1), record("a", "c", 1, 1), record("b", "c", 1, 1)), contract.TooManyFlows},
		{"known flows at the limit", limits.Limits{Flows: 3}, batchOf(t, noon, dot(2, 1), record("a", "b", 1, 1), record("b", "a", 1, 1)), nil},
		{"a known flow above the limit", limits.Limits{Flows: 1}, batchOf(t, noon, dot(2, 1), record("a", "b", 1, 1)), nil},
		{"a new name at the limit", limits.Limits{Names: 5}, batchOf(t, noon, dot(2, 1), record("a", "c", 1, 1)), contract.TooManyNames},
		{"a new name that just fits", limits.Limits{Names: 6}, batchOf(t, noon, dot(2, 1), record("a", "c", 1, 1)), nil},
		{"known names in a new flow", limits.Limits{Names: 5}, batchOf(t, noon, dot(2, 1), record("b", "z", 1, 1)), nil},
		{"a new hour at the limit", limits.Limits{Slices: 1}, batchOf(t, other, dot(2, 1), record("a", "b", 1, 1)), contract.TooManyHours},
		{"a new hour that just fits", limits.Limits{Slices: 2}, batchOf(t, other, dot(2, 1), record("a", "b", 1, 1)), nil},
		{"a new hour of too many flows", limits.Limits{Flows: 1}, batchOf(t, other, dot(2, 1), record("a", "b", 1, 1), record("b", "a", 1, 1)), contract.TooManyFlows},
		{"a new hour of too many names", limits.Limits{Names: 2}, batchOf(t, other, dot(2, 1), record("a", "b", 1, 1)), contract.TooManyNames},
		{"a known hour at the limit", limits.Limits{Slices: 1}, batchOf(t, noon, dot(2, 1), record("a", "b", 1, 1)), nil},
		{"a replay at all limits", limits.Limits{Flows: 1, Names: 1, Slices: 1}, keyed, nil},
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
			if _, err := s.CheckIgnoringLimits(written(test.batch)...); err != nil {
				t.Errorf("CheckIgnoringLimits = %v, want nil", err)
			}
			if err := s.Apply(written(test.batch)...); err != nil { // P4: every store takes an admitted batch
				t.Errorf("Apply = %v, want nil", err)
			}
		})
	}
}

func TestStatsCountTheFlowsAndNamesOfTheFullestSlice(t *testing.T) {
	s := opened(t, newMemJournal(), 0)
	apply(t, s, batchOf(t, noon, dot(1, 1), record("a", "b", 1, 1), record("b", "a", 1, 1)))
	apply(t, s, batchOf(t, flow.Slice{Hour: 1}, dot(1, 1), record("a", "b", 1, 1)))
	if got := s.Stats(); got.MostFlows != 2 || got.MostNames != 3 {
		t.Errorf("Stats() has %d flows and %d names, want 2 and 3: of the fullest slice", got.MostFlows, got.MostNames)
	}
}

// hourNow returns the current hour since 1970.
func hourNow() flow.Hour { return flow.Hour(time.Now().Unix() / 3600) }

// A sender with a wrong clock or unit cannot use up all hours (P12): the last tenth is for hours near now.
func TestTheLastTenthOfTheHoursIsForHoursNearNow(t *testing.T) {
	const limit = 20
	for _, tt := range []struct {
		name string
		have int // hours before
		hour flow.Hour
		want error
	}{
		{"a far hour below the last tenth", limit*9/10 - 1, 7, nil},
		{"a far hour in the last tenth", limit * 9 / 10, 7, contract.HoursReserved},
		{"this hour in the last tenth", limit * 9 / 10, hourNow(), nil},
		{"an hour of two days ago in the last tenth", limit * 9 / 10, hourNow() - limits.NearHours + 1, nil},
		{"an hour of the day after tomorrow in the last tenth", limit * 9 / 10, hourNow() + limits.NearHours - 1, nil},
		{"an hour before that", limit * 9 / 10, hourNow() - limits.NearHours - 2, contract.HoursReserved},
		{"an hour after that", limit * 9 / 10, hourNow() + limits.NearHours + 2, contract.HoursReserved},
		{"the smallest hour", limit * 9 / 10, math.MinInt64, contract.HoursReserved},
		{"the largest hour", limit * 9 / 10, math.MaxInt64, contract.HoursReserved},
		{"the last place, for this hour", limit - 1, hourNow(), nil},
		{"this hour at the limit", limit, hourNow(), contract.TooManyHours},
	} {
		s := limited(t, newMemJournal(), limits.Limits{Slices: limit})
		for i := range tt.have {
			apply(t, s, batchOf(t, flow.Slice{Hour: 1000 + flow.Hour(i)}, dot(1, 1), record("a", "b", 1, 1)))
		}
		_, err := s.Check(written(batchOf(t, flow.Slice{Hour: tt.hour}, dot(2, 1), record("a", "b", 1, 1)))...)
		var refused *contract.HourError
		if !errors.Is(err, tt.want) || errors.As(err, &refused) && refused.Hour != tt.hour {
			t.Errorf("%s: Check = %v, want %v of hour %d", tt.name, err, tt.want, tt.hour)
		}
		stats := s.Stats()
		if (stats.SlicesReserved == 1) != (tt.want == contract.HoursReserved) || (stats.TooManySlices == 1) != (tt.want == contract.TooManyHours) {
			t.Errorf("%s: %d and %d refusals are counted, want them to go with %v", tt.name, stats.SlicesReserved, stats.TooManySlices, tt.want)
		}
		if _, err := s.Check(written(batchOf(t, flow.Slice{Hour: 1000}, dot(2, 2), record("a", "b", 1, 1)))...); err != nil {
			t.Errorf("%s: Check of a known hour = %v, want nil", tt.name, err)
		}
	}
}

// The hours of one call count together, and the refusal names the first hour above the limit.
func TestARefusalNamesTheFirstHourAboveTheLimit(t *testing.T) {
	for _, tt := range []struct {
		name  string
		limit int
		hours []flow.Hour
		want  flow.Hour // -1: all are taken
		err   error
	}{
		{"as many as allowed", 4, []flow.Hour{1, 2, 3}, -1, nil},
		{"one too many", 4, []flow.Hour{5, 6, 7, 8}, 8, contract.TooManyHours},
		{"two too many", 4, []flow.Hour{5, 6, 7, 8, 9}, 8, contract.TooManyHours},
		{"one too many beside the known one", 2, []flow.Hour{1000, 5, 6, 1000}, 6, contract.TooManyHours},
		{"one in the last tenth", 10, []flow.Hour{1, 2, 3, 4, 5, 6, 7, 8, 9}, 9, contract.HoursReserved},
		{"one in the last tenth, behind this hour", 10, []flow.Hour{1, 2, 3, 4, 5, 6, 7, hourNow(), 9, 10}, 9, contract.HoursReserved},
	} {
		s := limited(t, newMemJournal(), limits.Limits{Slices: tt.limit})
		apply(t, s, batchOf(t, flow.Slice{Hour: 1000}, dot(1, 1), record("a", "b", 1, 1)))
		var batches []*flow.Batch
		for i, hour := range tt.hours {
			batches = append(batches, batchOf(t, flow.Slice{Hour: hour}, dot(2, uint64(i+1)), record("a", "b", 1, 1)))
		}
		_, err := s.Check(written(batches...)...)
		var refused *contract.HourError
		if errors.As(err, &refused) != (tt.want >= 0) || refused != nil && (refused.Hour != tt.want || refused.Err != tt.err) {
			t.Errorf("%s: Check = %v, want %v of hour %d", tt.name, err, tt.err, tt.want)
		}
	}
}
