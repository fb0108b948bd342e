package readiness

import (
	"errors"
	"strings"
	"testing"
	"time"

	"flowring/ring/roster"
)

// moment is one observation of a test: it changes the Observation at a time after the start and gives the expected
// reason.
type moment struct {
	at   time.Duration
	see  func(*Observation)
	want string // part of the reason; "": the node is ready
}

// R=3 and W=2. The stores of a, b and c are established, and a is the node itself.
func TestReadinessFollowsTheAnswersOfOtherStores(t *testing.T) {
	a, b, c := someStore("a"), someStore("b"), someStore("c")
	b2 := someStore("b")
	joiner := someStore("d")
	joiner.Established = false
	hear := func(stores ...roster.Store) func(*Observation) {
		return func(s *Observation) {
			for _, st := range stores {
				s.Answered = append(s.Answered, st.ID)
			}
			s.Contact = s.Now
		}
	}
	nothing := func(*Observation) {}
	refuse := func(s *Observation) { s.Refusal, s.Contact = errors.New("other parameters"), s.Now }
	alone := func(see func(*Observation)) func(*Observation) {
		return func(s *Observation) {
			see(s)
			s.Quorum = 1
		}
	}
	recovering := func(see func(*Observation)) func(*Observation) {
		return func(s *Observation) {
			see(s)
			s.Recovering = true
		}
	}
	for _, tt := range []struct {
		name    string
		moments []moment
	}{
		{"W stores are heard at once", []moment{{0, hear(b), ""}}},
		{"a store that was heard once counts from then on", []moment{{0, nothing, "not yet b, c"}, {time.Second, hear(c), ""}, {time.Hour, nothing, ""}}},
		{"a store that is not on the roster does not count", []moment{{0, hear(b2), "not yet b, c"}}},
		{"a store that joins does not count", []moment{{0, hear(joiner), "not yet b, c"}}},
		{"a store that is forgotten meanwhile does not count", []moment{
			{0, func(s *Observation) { s.Quorum = 3; hear(b)(s) }, "not yet c"},
			{time.Second, func(s *Observation) {
				gone := b
				gone.Forgotten = true
				s.Quorum, s.Roster = 3, s.Roster.With(gone).With(someStore("d"))
				hear(c)(s)
			}, "not yet d"},
		}},
		{"the addresses are tried first", []moment{{0, func(s *Observation) { s.Tried = false; hear(b)(s) }, "joining"}, {time.Second, nothing, ""}}},
		{"nobody is heard for 5 minutes", []moment{{aloneLimit - time.Second, nothing, "not yet b, c"}, {aloneLimit, nothing, ""}, {aloneLimit + time.Second, hear(joiner), ""}}},
		{"an answer of a store that does not count restarts the 5 minutes", []moment{
			{aloneLimit - time.Second, hear(joiner), "not yet b, c"}, {2*aloneLimit - 2*time.Second, nothing, "not yet b, c"}, {2 * aloneLimit, nothing, ""},
		}},
		{"the store recovers", []moment{{0, recovering(hear(b)), "recovering"}, {time.Second, nothing, ""}, {2 * time.Second, recovering(nothing), ""}}},
		{"the store does not recover", []moment{
			{10 * time.Second, recovering(hear(b)), "recovering"}, {39 * time.Second, recovering(nothing), "recovering"}, {40 * time.Second, recovering(nothing), ""},
		}},
		{"a refusal lasts as long as it lasts", []moment{
			{0, refuse, "refused: other parameters"}, {time.Second, func(s *Observation) { hear(joiner)(s); refuse(s) }, "refused: other parameters"},
			{24 * time.Hour, refuse, "refused: other parameters"}, {25 * time.Hour, hear(b), ""},
		}},
		{"a node that has just become ready, without others, is refused", []moment{
			{0, alone(nothing), ""}, {settledAfter - time.Second, alone(refuse), "refused"},
			{settledAfter, alone(nothing), ""}, {settledAfter + 10*time.Second, alone(refuse), "refused"},
		}},
		{"a node that was ready for long, without others, meets one that does not fit", []moment{
			{0, alone(nothing), ""}, {settledAfter, alone(nothing), ""}, {time.Hour, alone(refuse), ""},
		}},
		{"a node that became ready after 5 minutes without contact is refused", []moment{
			{aloneLimit, nothing, ""}, {aloneLimit + settledAfter, nothing, ""}, {aloneLimit + settledAfter + time.Second, refuse, "refused"},
			{24 * time.Hour, refuse, "refused"},
		}},
		{"a node that has just heard most stores meets one that does not fit", []moment{{0, hear(b), ""}, {time.Second, refuse, ""}, {time.Hour, refuse, ""}}},
		{"a node that is refused hears most stores", []moment{{0, refuse, "refused"}, {time.Second, func(s *Observation) { hear(c)(s); refuse(s) }, ""}}},
		{"a node that is refused hears half of the stores", []moment{{0, func(s *Observation) { s.Roster = s.Roster.With(someStore("d")); hear(c)(s); refuse(s) }, "refused"}}},
		{"a node that stays apart", []moment{{0, func(s *Observation) { s.Apart = errors.New("used at A"); hear(b)(s) }, "used at A"}, {time.Hour, func(s *Observation) { s.Apart = errors.New("used at A") }, "used at A"}}},
		{"a store that is not established", []moment{
			{time.Hour, func(s *Observation) { s.Self.Established = false }, "not established: 1 of 3"},
			{time.Hour + time.Second, func(s *Observation) { s.Self.Established = false; refuse(s) }, "not established: other parameters"},
		}},
		{"other nodes are told of the establishment first", []moment{
			{0, func(s *Observation) { s.Self.Established = false; hear(b)(s) }, "not established"},
			{time.Second, func(s *Observation) { s.Round = false }, "other nodes are being told"},
			{2 * time.Second, nothing, ""}, {3 * time.Second, func(s *Observation) { s.Round = false }, ""},
			{4 * time.Second, func(s *Observation) { s.Self.Established = false }, "not established"},
			{5 * time.Second, func(s *Observation) { s.Round = false }, "other nodes are being told"},
		}},
		{"too few stores are established", []moment{{0, func(s *Observation) { s.Quorum = 4; hear(b, c)(s) }, "3 established stores, fewer than the write quorum of 4"}}},
		{"W is 1", []moment{{0, func(s *Observation) { s.Quorum = 1 }, ""}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			r := State{contact: start}
			for _, m := range tt.moments {
				s := Observation{
					Now: start.Add(m.at), Quorum: 2, Self: a, Roster: roster.Roster{}.With(a).With(b).With(c).With(joiner),
					Joining: "1 of 3", Tried: true, Round: true,
				}
				m.see(&s)
				before := len(r.answered)
				next, reason := r.Step(s)
				if len(r.answered) != before {
					t.Error("Step changes the state that it was given")
				}
				r = next
				got := ""
				if reason != nil {
					got = reason.Error()
				}
				if (got == "") != (m.want == "") || !strings.Contains(got, m.want) {
					t.Errorf("after %v the node is not ready as %q, want %q", m.at, got, m.want)
				}
			}
		})
	}
}

func someStore(name string) roster.Store {
	return roster.Store{ID: roster.NewStoreID(), Name: name, Established: true}
}
