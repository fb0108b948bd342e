package late

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/node/replica/proof"
	"flowring/node/replica/underway"
	"flowring/ring/roster"
)

// An attempt is under way before it looks at the floors, and for some time after an unknown outcome. Otherwise a node that
// knows a higher floor could refuse the request beside it (P3).
func TestAnAttemptIsUnderWayBeforeItLooksAtTheFloors(t *testing.T) {
	for _, tt := range []struct {
		name  string
		err   error // of the store
		after int   // attempts under way after the end
	}{
		{"it succeeds", nil, 0},
		{"it is refused", contract.KeyReused, 0},
		{"its outcome is unknown", &contract.UnavailableError{Err: errors.New("lost")}, 1},
		{"a part may be stored", &contract.UnavailableError{Err: contract.KeyReused}, 1},
	} {
		key := flow.ID{1}
		s := Submitter{Asker: Asker{Rule: new(proof.Rule)}, UnderWay: underway.New(time.Hour)}
		s.Roster = func() roster.Roster {
			if n := s.UnderWay.Count(key); n != 1 {
				t.Errorf("%s: %d attempts are under way at a look at the floors, want 1", tt.name, n)
			}
			return roster.Roster{}
		}
		send := func(context.Context, []flow.Written) (bool, error) { return false, tt.err }
		_, err := s.Submit(t.Context(), []flow.Written{{Batch: &flow.Batch{Key: key}}}, send, nil)
		if n := s.UnderWay.Count(key); !errors.Is(err, tt.err) || n != tt.after {
			t.Errorf("%s: Submit = %v with %d attempts under way after it, want %v with %d", tt.name, err, n, tt.err, tt.after)
		}
	}
}

// An owner may know a higher floor than this node, which learns it with the refusal. A known request is stored then (P3).
func TestARefusalOfAnOwnerBeginsTheLook(t *testing.T) {
	for _, learnt := range []bool{true, false} {
		var floors roster.Floors
		s := Submitter{
			Asker: Asker{Rule: new(proof.Rule)}, UnderWay: underway.New(time.Hour), Roster: func() roster.Roster { return roster.Roster{}.WithFloors(floors) },
			PartlyStored: func(context.Context, []flow.Written) bool { return true },
		}
		refusal := &contract.HourError{Hour: 3, Err: contract.TooOld}
		send := func(context.Context, []flow.Written) (bool, error) {
			if learnt {
				floors.Closed = 9
			}
			return false, refusal
		}
		late := func(context.Context, []flow.Written) (bool, error) { return true, nil }
		batch := &flow.Batch{Slice: flow.Slice{Hour: 3}, ID: flow.ID{2}, Key: flow.ID{1}}
		replayed, err := s.Submit(t.Context(), []flow.Written{{Batch: batch}}, send, late)
		if replayed != learnt || (err == nil) != learnt || err != nil && !errors.Is(err, refusal) {
			t.Errorf("Submit = %t, %v, with the floor learnt: %t, want it stored once the floor is known", replayed, err, learnt)
		}
	}
}

// The kept hours of a known request are sent again if some of them expire meanwhile. A request of expired hours alone is
// no success, because none of it would count (P1).
func TestHoursThatExpireMeanwhileAreLeftOut(t *testing.T) {
	for _, tt := range []struct {
		name   string
		floors []roster.Floors // at each attempt, and after the last one
		want   [][]flow.Hour   // the hours of each attempt
		ok     bool
	}{
		{"none expires", []roster.Floors{{Closed: 9}, {Closed: 9}}, [][]flow.Hour{{3, 4}}, false},
		{"one expires", []roster.Floors{{Closed: 9}, {Closed: 9, Expired: 4}, {Closed: 9, Expired: 4}}, [][]flow.Hour{{3, 4}, {4}}, true},
		{"both expire", []roster.Floors{{Closed: 9}, {Closed: 9, Expired: 9}}, [][]flow.Hour{{3, 4}}, false},
	} {
		var sent [][]flow.Hour
		s := Submitter{Roster: func() roster.Roster { return roster.Roster{}.WithFloors(tt.floors[len(sent)]) }}
		send := func(_ context.Context, batches []flow.Written) (bool, error) {
			var hours []flow.Hour
			for _, b := range batches {
				hours = append(hours, b.Slice.Hour)
			}
			if sent = append(sent, hours); tt.ok && len(sent) == len(tt.want) {
				return false, nil
			}
			return false, &contract.UnavailableError{Err: contract.Expired}
		}
		batches := []flow.Written{{Batch: &flow.Batch{Slice: flow.Slice{Hour: 3}}}, {Batch: &flow.Batch{Slice: flow.Slice{Hour: 4}}}}
		_, err := s.submitKept(t.Context(), batches, send)
		if (err == nil) != tt.ok || err != nil && !errors.As(err, new(*contract.UnavailableError)) || !reflect.DeepEqual(sent, tt.want) {
			t.Errorf("%s: %v after attempts with the hours %v, want ok: %t after %v", tt.name, err, sent, tt.ok, tt.want)
		}
	}
}
