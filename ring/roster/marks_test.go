package roster

import (
	"slices"
	"testing"

	"flowring/flow"
)

func TestMarksOfHoursAreMergedHourByHour(t *testing.T) {
	for _, tt := range []struct {
		name       string
		a, b, want Marks
		expired    flow.Hour
	}{
		{"none", nil, nil, nil, 0},
		{"neighbours of one kind", Marks{{1, 3, 0}}, Marks{{3, 5, 0}}, Marks{{1, 5, 0}}, 0},
		{"a gap", Marks{{1, 3, 0}}, Marks{{4, 5, 0}}, Marks{{1, 3, 0}, {4, 5, 0}}, 0},
		{"an erased part of closed hours", Marks{{1, 9, 0}}, Marks{{3, 5, 7}}, Marks{{1, 3, 0}, {3, 5, 7}, {5, 9, 0}}, 0},
		{"erased twice", Marks{{1, 4, 7}}, Marks{{3, 5, 8}}, Marks{{1, 3, 7}, {3, 5, 8}}, 0},
		{"hours that have expired", Marks{{1, 4, 7}}, Marks{{6, 9, 0}}, Marks{{7, 9, 0}}, 7},
		{"negative hours", Marks{{-4, -2, 1}}, nil, Marks{{-4, -2, 1}}, 0},
	} {
		floors := Floors{Closed: tt.expired, Expired: tt.expired}
		for _, got := range []Marks{tt.a.merge(tt.b, floors), tt.b.merge(tt.a, floors)} {
			if !slices.Equal(got, tt.want) {
				t.Errorf("%s: merge of %v and %v = %v, want %v", tt.name, tt.a, tt.b, got, tt.want)
			}
			if err := got.valid(floors); err != nil {
				t.Errorf("%s: valid = %v, want nil", tt.name, err)
			}
		}
	}
}

func TestMarksOfHoursEndWithTheirHours(t *testing.T) {
	r, err := Roster{}.WithMarks(Marks{{1, 9, 7}})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.WithFloors(Floors{Expired: 5}).Marks(); !slices.Equal(got, Marks{{5, 9, 7}}) {
		t.Errorf("marks with hours below 5 expired are %v, want those of the hours 5 to 8", got)
	}
}

func TestMarksOfHoursAreFound(t *testing.T) {
	m := Marks{{1, 3, 0}, {3, 5, 7}, {8, 9, 0}}
	for h, want := range map[flow.Hour]struct {
		closed bool
		at     int64
	}{0: {}, 1: {true, 0}, 2: {true, 0}, 3: {true, 7}, 4: {true, 7}, 5: {}, 7: {}, 8: {true, 0}, 9: {}} {
		if at, erased := m.Erased(h); m.Closes(h) != want.closed || at != want.at || erased != (want.at > 0) {
			t.Errorf("hour %d: closed %t, erased %t at %d, want %+v", h, m.Closes(h), erased, at, want)
		}
	}
}

func TestMarksOfHoursHaveALimit(t *testing.T) {
	r := Roster{}
	for i := range flow.Hour(MaxSpans) {
		var err error
		if r, err = r.WithMarks(Marks{{2 * i, 2*i + 1, 0}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.WithMarks(Marks{{2 * MaxSpans, 2*MaxSpans + 1, 0}}); err == nil {
		t.Error("WithMarks of one span too many = nil, want an error")
	}
	if one, err := r.WithMarks(Marks{{0, 2 * MaxSpans, 0}}); err != nil || len(one.Marks()) != 1 {
		t.Errorf("WithMarks of a span over all = %v with %d spans, want one", err, len(one.Marks()))
	}
}
