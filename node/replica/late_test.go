package replica

import (
	"errors"
	"testing"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/node/replica/late"
	"flowring/ring/roster"
)

// The hours of the tests: one is closed, one is open, and one has expired.
const closedHour, openHour, expiredHour = 99, 100, 50

// withFloors returns the stores a, b and c, and floors.
func withFloors() *world {
	w := newWorld("a", "b", "c")
	w.roster = w.roster.WithVersion(3).WithFloors(roster.Floors{Closed: openHour, Expired: expiredHour + 1})
	return w
}

// hold puts batches of a posting into a store.
func (w *world) hold(t *testing.T, name string, p *flow.Posting, hours ...flow.Hour) {
	t.Helper()
	for i, b := range p.Batches {
		for _, hour := range hours {
			if b.Slice.Hour != hour {
				continue
			}
			b.Dot = flow.Dot{Origin: 77, Seq: uint64(i)}
			if err := w.sites[name].held.Apply(flow.Written{Batch: b, Bytes: b.Encode()}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// P3: a request with a closed hour is refused only if no store has a part of it. Otherwise it is stored, without its
// expired hours.
func TestRequestsOfClosedHours(t *testing.T) {
	key := keyed(t, "k", 1, closedHour).Batches[0].Key
	for _, tt := range []struct {
		name     string
		hours    []flow.Hour
		noKey    bool
		prepare  func(t *testing.T, w *world, r *Replicas, p *flow.Posting)
		others   int // attempts under way here that prepare has begun
		disabled safeguard.Set
		want     error
	}{
		{name: "no store has it", hours: []flow.Hour{closedHour}, want: contract.TooOld},
		{name: "no store has it, one hour is open", hours: []flow.Hour{closedHour, openHour}, want: contract.TooOld},
		{name: "no store has it, one hour has expired", hours: []flow.Hour{expiredHour, openHour}, want: contract.TooOld},
		{name: "an open hour", hours: []flow.Hour{openHour}},
		{name: "without a key", hours: []flow.Hour{closedHour}, noKey: true, want: contract.TooOld},
		{
			name: "a stray store has it", hours: []flow.Hour{closedHour},
			prepare: func(t *testing.T, w *world, _ *Replicas, p *flow.Posting) { w.hold(t, "c", p, closedHour) },
		},
		{
			name: "a stray store has another hour of it", hours: []flow.Hour{expiredHour, closedHour, openHour},
			prepare: func(t *testing.T, w *world, _ *Replicas, p *flow.Posting) { w.hold(t, "c", p, openHour) },
		},
		{
			name: "a store is silent", hours: []flow.Hour{closedHour}, want: contract.Unavailable,
			prepare: func(_ *testing.T, w *world, _ *Replicas, _ *flow.Posting) { w.sites["c"].fails = "look" },
		},
		{
			name: "the owner has it, and a store is silent", hours: []flow.Hour{closedHour},
			prepare: func(t *testing.T, w *world, _ *Replicas, p *flow.Posting) {
				w.hold(t, "a", p, closedHour)
				w.sites["b"].replayed, w.sites["c"].replayed, w.sites["c"].fails = true, true, "look"
			},
		},
		{
			name: "a stray store has it, and another one is silent", hours: []flow.Hour{closedHour},
			prepare: func(t *testing.T, w *world, _ *Replicas, p *flow.Posting) {
				w.sites["b"].fails = "look"
				w.hold(t, "c", p, closedHour)
			},
		},
		{
			name: "another attempt is under way elsewhere", hours: []flow.Hour{closedHour}, want: contract.Unavailable,
			prepare: func(_ *testing.T, w *world, _ *Replicas, _ *flow.Posting) { w.sites["c"].busy = true },
		},
		{
			name: "another attempt is under way elsewhere, and a stray store has it", hours: []flow.Hour{closedHour},
			prepare: func(t *testing.T, w *world, _ *Replicas, p *flow.Posting) {
				w.sites["b"].busy = true
				w.hold(t, "c", p, closedHour)
			},
		},
		{
			name: "an attempt with an unknown outcome was here, and a stray store has it", hours: []flow.Hour{closedHour}, others: 1,
			prepare: func(t *testing.T, w *world, r *Replicas, p *flow.Posting) {
				r.late.UnderWay.Begin(key)
				r.late.UnderWay.End(key, true)
				w.hold(t, "c", p, closedHour)
			},
		},
		{
			name: "another attempt is under way here", hours: []flow.Hour{closedHour}, others: 1, want: contract.Unavailable,
			prepare: func(_ *testing.T, _ *world, r *Replicas, _ *flow.Posting) { r.late.UnderWay.Begin(key) },
		},
		{
			name: "negative control: the floor before the key", hours: []flow.Hour{closedHour}, want: contract.TooOld,
			prepare:  func(t *testing.T, w *world, _ *Replicas, p *flow.Posting) { w.hold(t, "a", p, closedHour) },
			disabled: safeguard.KeyFirst,
		},
		{
			name: "negative control: this store alone is asked", hours: []flow.Hour{closedHour}, want: contract.TooOld,
			prepare:  func(t *testing.T, w *world, _ *Replicas, p *flow.Posting) { w.hold(t, "c", p, closedHour) },
			disabled: safeguard.AskAllBefore409,
		},
		{
			name: "negative control: nobody asks for attempts under way", hours: []flow.Hour{closedHour}, want: contract.TooOld,
			prepare:  func(_ *testing.T, w *world, _ *Replicas, _ *flow.Posting) { w.sites["c"].busy = true },
			disabled: safeguard.AskUnderWay,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := withFloors()
			r := w.replicas(t, Config{Copies: 2, Quorum: 2, Disabled: tt.disabled})
			slices := make([]flow.Slice, len(tt.hours))
			for i, hour := range tt.hours {
				slices[i] = flow.Slice{Hour: hour}
			}
			p := posting(t, 1, slices...)
			if !tt.noKey {
				p.Identify("", "k")
			}
			if tt.prepare != nil {
				tt.prepare(t, w, r, p)
			}
			_, err := r.Submit(t.Context(), p)
			if refusal, _, ok := contract.RefusalOf(err); ok && refusal != tt.want || ok != (tt.want != nil) {
				t.Fatalf("Submit = %v, want %v", err, tt.want)
			}
			for _, b := range p.Batches {
				stored := 0
				for _, s := range w.sites {
					if held, err := s.held.Holds(flow.Written{Batch: b}); held && err == nil {
						stored++
					}
				}
				switch {
				case tt.want == nil && b.Slice.Hour > expiredHour && stored == 0:
					t.Errorf("hour %d of a request with a 200 is on no store", b.Slice.Hour)
				case tt.want == nil && b.Slice.Hour == expiredHour && stored > 0:
					t.Errorf("the expired hour is on %d stores, want none", stored)
				}
			}
			if got := r.late.UnderWay.Count(key); got != tt.others {
				t.Errorf("%d attempts are under way after the end, want %d", got, tt.others)
			}
		})
	}
}

// An owner refuses a closed hour, because the node asked may know lower floors, unless the owner holds the batch or the
// posting is known.
func TestAnOwnerRefusesClosedHours(t *testing.T) {
	for name, ask := range map[string]func(r *Replicas, known bool, b []flow.Written) (bool, error){
		"admit": func(r *Replicas, known bool, b []flow.Written) (bool, error) { return r.Admit(t.Context(), known, b) },
		"admit by key": func(r *Replicas, known bool, b []flow.Written) (bool, error) {
			return r.AdmitByKey(t.Context(), known, b)
		},
	} {
		w := withFloors()
		r := w.replicas(t, Config{Copies: 2, Quorum: 2})
		p := keyed(t, "k", 1, closedHour)
		var hour *contract.HourError
		if _, err := ask(r, false, written(p.Batches[0])); !errors.As(err, &hour) || hour.Hour != closedHour || !errors.Is(err, contract.TooOld) {
			t.Errorf("%s = %v, want a refusal of hour %d", name, err, closedHour)
		}
		other := keyed(t, "other", 1, closedHour).Batches[0]
		other.Dot = dot(1)
		if _, err := ask(r, true, written(other)); err != nil {
			t.Errorf("%s of a known posting = %v, want nil", name, err)
		}
		w.hold(t, "a", p, closedHour)
		if _, err := ask(r, false, written(p.Batches[0])); err != nil {
			t.Errorf("%s of a held batch = %v, want nil", name, err)
		}
	}
}

// An attempt that another node asks this owner for is under way here, and for some time after an unknown outcome (P3).
func TestAnAttemptIsUnderWayAtItsOwner(t *testing.T) {
	for name, admit := range map[string]func(r *Replicas, b *flow.Batch) (bool, error){
		"admit":        func(r *Replicas, b *flow.Batch) (bool, error) { return r.Admit(t.Context(), false, written(b)) },
		"admit by key": func(r *Replicas, b *flow.Batch) (bool, error) { return r.AdmitByKey(t.Context(), false, written(b)) },
	} {
		w := newWorld("a", "b")
		r := w.replicas(t, Config{Copies: 2, Quorum: 2})
		b, during := keyed(t, "k", 1, openHour).Batches[0], 0
		w.sites["b"].before = func() { during = r.late.UnderWay.Count(b.Key) }
		if _, err := admit(r, b); err != nil || during != 1 || r.late.UnderWay.Count(b.Key) != 0 {
			t.Errorf("%s = %v, %d attempts under way meanwhile and %d after, want 1 and 0", name, err, during, r.late.UnderWay.Count(b.Key))
		}
		w.sites["b"].fails = "apply"
		b = keyed(t, "other", 1, openHour).Batches[0]
		if _, err := admit(r, b); err == nil || r.late.UnderWay.Count(b.Key) != 1 {
			t.Errorf("%s at one store = %v, %d attempts under way after, want 1", name, err, r.late.UnderWay.Count(b.Key))
		}
	}
}

// A store answers the first look only with the floors of the caller, because an attempt that begins at it later must see
// them.
func TestALookNeedsTheSameFloors(t *testing.T) {
	w := withFloors()
	r := w.replicas(t, Config{Copies: 2, Quorum: 2})
	batch := flow.Written{Batch: keyed(t, "k", 1, closedHour).Batches[0]}
	before := w.roster.Hash()
	if yes, err := r.Look(late.UnderWay, before, []flow.Written{batch}); yes || err != nil {
		t.Errorf("Look with the same roster = %t, %v, want false", yes, err)
	}
	w.roster = w.roster.WithFloors(roster.Floors{Closed: openHour + 1})
	if _, err := r.Look(late.UnderWay, before, []flow.Written{batch}); !errors.Is(err, contract.NotReplica) {
		t.Errorf("Look with another roster = %v, want %v", err, contract.NotReplica)
	}
	if yes, err := r.Look(late.Held, before, []flow.Written{batch}); yes || err != nil {
		t.Errorf("the second Look = %t, %v, want false", yes, err)
	}
}

// P1: the store asked merges the marks of the stores that acknowledge a batch before it counts them. A batch of an hour that
// is being erased is not acknowledged, because the stores may delete it at any moment. In the negative control the acks
// count first.
func TestAnAckCountsAfterItsMarks(t *testing.T) {
	for _, tt := range []struct {
		name     string
		two      bool // the request has another hour, too
		erased   int64
		disabled safeguard.Set
		want     error
	}{
		{"closed", false, 0, 0, contract.Unavailable},
		{"closed, one of two", true, 0, 0, contract.Unavailable},
		{"erased", false, 7, 0, contract.Unavailable},
		{"erased, one of two", true, 7, 0, nil},
		{"negative control: acks count before the marks", false, 0, safeguard.MergeMarks, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld("a", "b", "c")
			w.roster = w.roster.WithVersion(3)
			r := w.replicas(t, Config{Copies: 3, Quorum: 3, Disabled: tt.disabled})
			slices := []flow.Slice{w.sliceOf(t, "a", "b"), w.sliceOf(t, "a", "c")}
			hour := slices[0].Hour
			if !tt.two {
				slices = slices[:1]
			}
			w.sites["b"].before = func() {
				w.mu.Lock()
				defer w.mu.Unlock()
				var err error
				if w.roster, err = w.roster.WithMarks(roster.Marks{{From: hour, To: hour + 1, Erased: tt.erased}}); err != nil {
					t.Error(err)
				}
			}
			p := posting(t, 1, slices...)
			p.Identify("", "k")
			_, err := r.Submit(t.Context(), p)
			if refusal, _, ok := contract.RefusalOf(err); ok && refusal != tt.want || ok != (tt.want != nil) {
				t.Errorf("Submit = %v, want %v", err, tt.want)
			}
		})
	}
}
