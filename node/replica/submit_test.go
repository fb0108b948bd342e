package replica

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/internal/racetest"
	"flowring/node/replica/pace"
	"flowring/ring/roster"
	"flowring/store"
	"flowring/store/limits"
)

// The outcome of a write follows from the outcomes at its candidates (P3). A refusal is passed on only while nothing
// can be stored.
func TestOutcomesOfAWrite(t *testing.T) {
	for _, tt := range []struct {
		name   string
		spoil  func(w *world) // the list is b, c, d; a is the node asked
		want   error          // nil: stored
		reason string         // of an *contract.UnavailableError
		silent string
	}{
		{name: "the owner stores it", spoil: func(*world) {}},
		{name: "the owner refuses the content", spoil: func(w *world) { w.sites["b"].fail = contract.KeyReused }, want: contract.KeyReused},
		{name: "the owner refuses the sum", spoil: func(w *world) { w.sites["b"].fail = contract.Overflow }, want: contract.Overflow},
		{name: "the owner cannot be reached", spoil: func(w *world) { w.sites["b"].fail = errRefused }},
		{name: "the owner fails", spoil: func(w *world) { w.sites["b"].fail = errBroken }},
		{name: "the owner stores it, and its answer is lost", spoil: func(w *world) { w.sites["b"].lost = true }},
		{
			name:  "the owner cannot be reached, and the next refuses",
			spoil: func(w *world) { w.sites["b"].fail, w.sites["c"].fail = errRefused, contract.KeyReused }, want: contract.KeyReused,
		},
		{
			name:   "the owner may have stored it, and the next refuses",
			spoil:  func(w *world) { w.sites["b"].fail, w.sites["c"].fail = errBroken, contract.KeyReused },
			reason: "another may have stored it", silent: "[b]",
		},
		{
			name: "the owner has too few stores, and the next refuses",
			spoil: func(w *world) {
				w.sites["b"].fail, w.sites["c"].fail = &contract.UnavailableError{Reason: "few"}, contract.Overflow
			},
			reason: "another may have stored it", silent: "[]",
		},
		{
			name:   "no store can be reached",
			spoil:  func(w *world) { w.failAll(errRefused) },
			reason: "no store of the hour could take the write", silent: "[b c d]",
		},
		{
			name:   "every store has too few others, and names them",
			spoil:  func(w *world) { w.failAll(&contract.UnavailableError{Reason: "1 of 2", Stores: []string{"x", "y"}}) },
			reason: "1 of 2", silent: "[x y]",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld("a", "b", "c", "d")
			s := w.sliceOf(t, "b", "c", "d")
			r := w.replicas(t, Config{Copies: 1, Quorum: 1})
			w.mark(forgottenOf(w, "a")) // so that it is not asked itself
			tt.spoil(w)
			_, err := r.Submit(t.Context(), posting(t, 1, s))
			var unavailable *contract.UnavailableError
			switch {
			case tt.reason != "":
				if !errors.As(err, &unavailable) || !strings.Contains(unavailable.Reason, tt.reason) || show(unavailable.Stores) != tt.silent {
					t.Errorf("Submit = %v, want unavailable: %s, silent %s", err, tt.reason, tt.silent)
				}
			case !errors.Is(err, tt.want):
				t.Errorf("Submit = %v, want %v", err, tt.want)
			}
		})
	}
}

// failAll makes every call fail, except those to the node itself.
func (w *world) failAll(err error) {
	for name, s := range w.sites {
		if name != w.self {
			s.fail = err
		}
	}
}

// forgottenOf returns a node's store as forgotten.
func forgottenOf(w *world, name string) (s roster.Store) {
	s = w.sites[name].Store
	s.Forgotten = true
	return s
}

// A batch keeps its dot through all attempts, and the next batch of the slice has the next dot.
func TestAttemptsCarryOneDot(t *testing.T) {
	w := newWorld("a", "b", "c")
	s := w.sliceOf(t, "b", "c")
	w.sites["b"].lost = true
	r := w.replicas(t, Config{Copies: 1, Quorum: 1})
	for range 2 {
		if _, err := r.Submit(t.Context(), posting(t, 1, s)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"b", "c"} {
		got := w.sites[name].batches
		if len(got) != 2 || got[0].Dot != (flow.Dot{Origin: 77, Seq: 1}) || got[1].Dot != (flow.Dot{Origin: 77, Seq: 2}) {
			t.Errorf("%s saw %v, want dots 77.1 and 77.2", name, got)
		}
	}
}

// If one owner refuses, no other owner has stored its part by then (P3).
func TestRefusedPostingIsStoredNowhere(t *testing.T) {
	w := newWorld("a", "b", "c")
	atB, atC := w.sliceOf(t, "b"), w.sliceOf(t, "c")
	r := w.replicas(t, Config{Copies: 1, Quorum: 1})
	w.sites["c"].fail = contract.Overflow
	_, err := r.Submit(t.Context(), posting(t, 1, atB, atC))
	if !errors.Is(err, contract.Overflow) {
		t.Errorf("Submit = %v, want %v", err, contract.Overflow)
	}
	if got := w.holders(t, atB, flow.Dot{Origin: 77, Seq: 1}); len(got) != 0 {
		t.Errorf("%v hold a part of the refused posting", got)
	}
}

// A refusal after the check is not a refusal of the whole, because other owners may have stored their parts.
func TestOvertakenPostingIsOfUnknownOutcome(t *testing.T) {
	w := newWorld("a", "b")
	first, second := w.sliceOf(t, "b"), w.sliceOf(t, "a")
	second2 := posting(t, 1, first, second)
	r := w.replicas(t, Config{Copies: 1, Quorum: 1})
	check := r.Peers
	r.Peers = overtaken{check}
	_, err := r.Submit(t.Context(), second2)
	var unavailable *contract.UnavailableError
	if !errors.As(err, &unavailable) || !strings.Contains(unavailable.Reason, "overtaken") {
		t.Errorf("Submit = %v, want unavailable: overtaken", err)
	}
}

// overtaken lets every check pass and refuses every admission.
type overtaken struct{ Peers }

func (overtaken) Admit(context.Context, string, bool, flow.ID, ...[]byte) (bool, error) {
	return false, contract.KeyReused
}

// A limit refuses a posting as a whole or not at all: a posting that an earlier attempt stored in part is completed
// (P3).
func TestALimitDoesNotLeaveAPostingInPieces(t *testing.T) {
	for _, tt := range []struct {
		name  string
		begun bool // the other batch of the posting is stored already
		want  error
	}{{"nothing of it is stored", false, contract.TooManyFlows}, {"a part of it is stored", true, nil}} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld("a", "b", "c")
			atB, atC := w.sliceOf(t, "b"), w.sliceOf(t, "c")
			w.sites["b"].full, w.sites["c"].replayed = contract.TooManyFlows, tt.begun
			p := posting(t, 1, atB, atC)
			p.Identify("", "key")
			_, err := w.replicas(t, Config{Copies: 1, Quorum: 1}).Submit(t.Context(), p)
			if !errors.Is(err, tt.want) {
				t.Errorf("Submit = %v, want %v", err, tt.want)
			}
			if got := len(w.holders(t, atB, flow.Dot{Origin: 77, Seq: 1})); (got == 1) != tt.begun {
				t.Errorf("%d stores hold the batch of the full hour", got)
			}
		})
	}
}

// The next candidate replaces an unreachable owner immediately, however slow the other owners of the posting are.
func TestAFailedOwnerIsReplacedWhileAnotherIsSlow(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		w := newWorld("a", "b", "c", "d")
		slow, failed := w.sliceOf(t, "b"), w.sliceOf(t, "c", "d")
		w.sites["b"].hang, w.sites["c"].fail = true, errRefused
		r := w.replicas(t, Config{Copies: 1, Quorum: 1, HedgeAfter: time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go r.Submit(ctx, posting(t, 1, slow, failed))
		synctest.Wait()
		if got := show(w.sites["d"].asked); got != "[check]" {
			t.Errorf("the next store was asked %s, want [check] at once", got)
		}
		time.Sleep(time.Second)
		r.Stop()
	})
}

func TestPostingIsReplayedWhenAllOfItIs(t *testing.T) {
	for _, tt := range []struct {
		name       string
		b, c, want bool
	}{{"none", false, false, false}, {"one of two", true, false, false}, {"both", true, true, true}} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld("a", "b", "c")
			atB, atC := w.sliceOf(t, "b"), w.sliceOf(t, "c")
			w.sites["b"].replayed, w.sites["c"].replayed = tt.b, tt.c
			got, err := w.replicas(t, Config{Copies: 1, Quorum: 1}).Submit(t.Context(), posting(t, 1, atB, atC))
			if err != nil || got != tt.want {
				t.Errorf("replayed = %t, %v, want %t", got, err, tt.want)
			}
		})
	}
}

func TestASlowOwnerIsHedged(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		w := newWorld("a", "b", "c")
		s := w.sliceOf(t, "b", "c")
		w.sites["b"].hang = true
		r := w.replicas(t, Config{Copies: 1, Quorum: 1, HedgeAfter: 100 * time.Millisecond})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		begun := time.Now()
		if _, err := r.Submit(ctx, posting(t, 1, s)); err != nil {
			t.Errorf("Submit = %v, want nil", err)
		}
		if got, want := time.Since(begun), 400*time.Millisecond; got != want {
			t.Errorf("the next store was asked after %v, want %v", got, want)
		}
		for r.hedges.Spend() { // negative control: the budget is empty
		}
		_, err := r.Submit(ctx, posting(t, 1, s))
		var unavailable *contract.UnavailableError
		if !errors.As(err, &unavailable) || show(unavailable.Stores) != "[b]" || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Submit = %v, want out of time for b alone", err)
		}
	})
}

// A posting of several owners waits for a slow owner as long as any posting does: once for its check, and once for its
// admission.
func TestASlowOwnerOfAPartIsHedged(t *testing.T) {
	for _, self := range []bool{false, true} {
		racetest.Bubble(t, func(t *testing.T) {
			w := newWorld("a", "b", "c")
			slow, other := w.sliceOf(t, "b", "c"), w.sliceOf(t, "c")
			want := 800 * time.Millisecond
			w.sites["b"].hang = true
			if self { // its disk is slow, and its check takes no time
				slow, want = w.sliceOf(t, "a", "c"), 400*time.Millisecond
				disk := newMemory()
				disk.gate = make(chan struct{})
				w.sites["a"].held = store.New(store.Config{}, store.Deps{Journal: disk})
				defer close(disk.gate)
			}
			r := w.replicas(t, Config{Copies: 1, Quorum: 1, HedgeAfter: 100 * time.Millisecond})
			begun := time.Now()
			if _, err := r.Submit(t.Context(), posting(t, 1, slow, other)); err != nil || time.Since(begun) != want {
				t.Errorf("self: %t: Submit = %v after %v, want nil after %v", self, err, time.Since(begun), want)
			}
		})
	}
}

// An owner that has stored its part is not hedged because another owner is slow.
func TestAnOwnerWithItsPartIsNotHedged(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		w := newWorld("a", "b", "c", "d")
		parts := []flow.Slice{w.sliceOf(t, "b", "a")}
		w.sites["b"].hang = true
		for hour := flow.Hour(0); len(parts) < 20; hour++ {
			if s := (flow.Slice{Hour: hour}); slices.Equal(w.Ring().Candidates(s)[:2], []string{"c", "d"}) {
				parts = append(parts, s)
			}
		}
		r := w.replicas(t, Config{Copies: 1, Quorum: 1, HedgeAfter: 100 * time.Millisecond})
		r.hedges = pace.NewBudget(1, 1000)
		if _, err := r.Submit(t.Context(), posting(t, 1, parts...)); err != nil {
			t.Errorf("Submit = %v, want nil", err)
		}
		if got := w.sites["d"].asked; len(got) > 0 {
			t.Errorf("the next store was asked %s, want it left alone", show(got))
		}
	})
}

// A write that waits for its only disk ends when the node stops.
func TestAStopEndsAWaitingWrite(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		w := newWorld("a")
		disk := newMemory()
		disk.gate = make(chan struct{})
		w.sites["a"].held = store.New(store.Config{}, store.Deps{Journal: disk})
		r := w.replicas(t, Config{Copies: 1, Quorum: 1})
		ended := make(chan error, 1)
		go func() { _, err := r.Submit(t.Context(), posting(t, 1, flow.Slice{Hour: 1})); ended <- err }()
		synctest.Wait()
		var stopped sync.WaitGroup
		stopped.Go(r.Stop)
		synctest.Wait()
		select {
		case err := <-ended:
			if !errors.Is(err, errStopped) {
				t.Errorf("Submit = %v, want %v", err, errStopped)
			}
		default:
			t.Error("the write goes on")
		}
		close(disk.gate)
		stopped.Wait()
	})
}

// A refusal by a hedge of a slow store is not passed on, because the slow store may store the write (P3).
func TestRefusalBesideASlowAttemptIsNotPassedOn(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		w := newWorld("a", "b", "c")
		s := w.sliceOf(t, "b", "c")
		w.sites["b"].hang, w.sites["c"].fail = true, contract.KeyReused
		r := w.replicas(t, Config{Copies: 1, Quorum: 1})
		_, err := r.Submit(t.Context(), posting(t, 1, s))
		var unavailable *contract.UnavailableError
		if !errors.As(err, &unavailable) {
			t.Errorf("Submit = %v, want unavailable", err)
		}
	})
}

func TestAWriteWithoutAnEstablishedStore(t *testing.T) {
	w := &world{sites: map[string]*site{}, self: "a"}
	w.add("a", false)
	_, err := w.replicas(t, Config{Copies: 1, Quorum: 1}).Submit(t.Context(), posting(t, 1, flow.Slice{Hour: 1}))
	if want := "the cluster has no established store yet"; err == nil || err.Error() != want {
		t.Errorf("Submit = %v, want %s", err, want)
	}
}

// A posting of many slices makes two calls to each owner, a check and an admission. If a call fails, each of its
// batches continues by itself.
func TestBatchesOfOneOwnerShareACall(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(w *world)
		b     int // calls to b
		c     int
	}{
		{"the owner stores them", func(*world) {}, 2, 0},
		{"the owner cannot be reached", func(w *world) { w.sites["b"].fail = errRefused }, 2, 10}, // five checked, five stored
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld("a", "b", "c")
			var in []flow.Slice
			for hour := flow.Hour(0); len(in) < 5; hour++ {
				if s := (flow.Slice{Hour: hour}); show(w.Ring().Candidates(s)) == "[b c a]" {
					in = append(in, s)
				}
			}
			tt.spoil(w)
			r := w.replicas(t, Config{Copies: 1, Quorum: 1})
			if _, err := r.Submit(t.Context(), posting(t, 1, in...)); err != nil {
				t.Fatalf("Submit = %v, want nil", err)
			}
			if b, c := len(w.sites["b"].asked), len(w.sites["c"].asked); b != tt.b || c != tt.c {
				t.Errorf("b was called %d times and c %d times, want %d and %d", b, c, tt.b, tt.c)
			}
			for _, s := range in {
				if got := w.holders(t, s, flow.Dot{Origin: 77, Seq: 1}); len(got) != 1 {
					t.Errorf("%s is held by %v, want one store", s, got)
				}
			}
		})
	}
}

// A posting whose hours this store owns takes one write, whatever their number. A refusal stores no part of it, and
// completes a posting that is stored in part (P3).
func TestAPostingOfHoursOwnedHere(t *testing.T) {
	for _, tt := range []struct {
		name    string
		limit   int   // of slices; 0: none
		before  []int // hours that an earlier attempt has stored
		fails   bool  // the first write, which has its effect
		want    error
		stored  int // hours at last
		appends int
	}{
		{name: "it is stored", stored: 3, appends: 1},
		{name: "it is refused", limit: 2, want: contract.TooManyHours},
		{name: "it is refused, and a part is stored", limit: 2, before: []int{0}, stored: 3, appends: 1},
		{name: "all of it is stored before", before: []int{0, 1, 2}, stored: 3},
		{name: "the disk fails once", fails: true, stored: 3, appends: 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld("a")
			disk := newMemory()
			w.sites["a"].held = store.New(store.Config{Limits: limits.Limits{Slices: tt.limit}}, store.Deps{Journal: disk})
			r := w.replicas(t, Config{Copies: 1, Quorum: 1})
			in := []flow.Slice{{Hour: 1}, {Hour: 2}, {Hour: 3}}
			post := func() *flow.Posting {
				p := posting(t, 1, in...)
				p.Identify("", "key")
				return p
			}
			if len(tt.before) > 0 {
				var part []flow.Written
				for _, i := range tt.before {
					b := post().Batches[i]
					b.Dot = flow.Dot{Origin: 5, Seq: 1}
					part = append(part, written(b)...)
				}
				if err := r.Apply(part); err != nil {
					t.Fatal(err)
				}
			}
			if disk.appends = 0; tt.fails {
				disk.fail = func() error { return errBroken }
			}
			replayed, err := r.Submit(t.Context(), post())
			if !errors.Is(err, tt.want) || replayed != (len(tt.before) == 3) {
				t.Errorf("Submit = %t, %v, want %v", replayed, err, tt.want)
			}
			held := w.sites["a"].held.Slices()
			if len(held) != tt.stored || disk.appends != tt.appends {
				t.Errorf("the store has %d hours after %d writes, want %d after %d", len(held), disk.appends, tt.stored, tt.appends)
			}
		})
	}
}

// A posting whose hours this store owns may be stored in part when the disk fails. A refusal after that is no refusal
// of the whole (P3).
func TestARefusalAfterAFailedWriteIsNotPassedOn(t *testing.T) {
	w := newWorld("a")
	disk := newMemory()
	w.sites["a"].held = store.New(store.Config{}, store.Deps{Journal: disk})
	r := w.replicas(t, Config{Copies: 1, Quorum: 1, Keys: 10})
	keyed := func(tx int64) *flow.Posting {
		p := posting(t, tx, flow.Slice{Hour: 1}, flow.Slice{Hour: 2})
		p.Identify("", "key")
		return p
	}
	disk.fail = func() error {
		r.keys.Remember(keyed(2).Batches[0])
		return errBroken
	}
	_, err := r.Submit(t.Context(), keyed(1))
	var unavailable *contract.UnavailableError
	if !errors.As(err, &unavailable) || !strings.Contains(unavailable.Reason, "may have stored it") {
		t.Errorf("Submit = %v, want unavailable", err)
	}
}

// A limit reached after the check of a whole posting refuses no part of it (P3), and refuses any other batch.
func TestAPartOfACheckedPostingMeetsNoLimit(t *testing.T) {
	w := newWorld("a")
	w.sites["a"].held = store.New(store.Config{Limits: limits.Limits{Slices: 1}}, store.Deps{Journal: newMemory()})
	r := w.replicas(t, Config{Copies: 1, Quorum: 1})
	for _, step := range []struct {
		hour    flow.Hour
		checked bool
		want    error
	}{{1, true, nil}, {2, true, nil}, {3, false, contract.TooManyHours}} {
		b := batchOf(t, flow.Slice{Hour: step.hour}, dot(1), 1)
		if _, err := r.Admit(t.Context(), step.checked, written(b)); !errors.Is(err, step.want) {
			t.Errorf("Admit of hour %d, checked %t = %v, want %v", step.hour, step.checked, err, step.want)
		}
	}
}
