package replica

import (
	"errors"
	"slices"
	"testing"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/internal/racetest"
	"flowring/internal/safeguard"
	"flowring/ring"
	"flowring/ring/roster"
	"flowring/store/digest"
)

func TestAStoreKeepsSlicesOfItsPlace(t *testing.T) {
	for _, tt := range []struct {
		name    string
		copies  int
		list    []string // of the slice; a is the node tested
		unheard []string
		want    bool
	}{
		{"the owner keeps it", 1, []string{"a"}, nil, true},
		{"the second of one copy does not", 1, []string{"b", "a"}, nil, false},
		{"unless the owner is absent", 1, []string{"b", "a"}, []string{"b"}, true},
		{"the third of three copies does", 3, []string{"b", "c", "a"}, nil, true},
		{"the last of four does not", 3, []string{"b", "c", "d", "a"}, nil, false},
		{"unless one before it is absent", 3, []string{"b", "c", "d", "a"}, []string{"c"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld("a", "b", "c", "d")
			for _, name := range tt.unheard {
				w.sites[name].unheard = true
			}
			r := w.replicas(t, Config{Copies: tt.copies, Quorum: 1, StandInAfter: time.Nanosecond})
			r.noteAbsence()
			time.Sleep(time.Microsecond)
			if got := r.shouldKeep(w.Ring(), w.sliceOf(t, tt.list...)); got != tt.want {
				t.Errorf("keeps = %t, want %t", got, tt.want)
			}
		})
	}
}

// A restart makes no copies elsewhere (P8). Another store stands in only after an absence of some time, and until its
// end.
func TestNobodyStandsInForARestart(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		w := newWorld("a", "b")
		s := w.sliceOf(t, "b", "a")
		r := w.replicas(t, Config{Copies: 1, Quorum: 1})
		for _, step := range []struct {
			after   time.Duration
			unheard bool
			want    bool
		}{{0, true, false}, {9 * time.Second, true, false}, {time.Second, true, true}, {0, false, false}, {time.Hour, true, false}} {
			time.Sleep(step.after)
			w.sites["b"].unheard = step.unheard
			r.noteAbsence()
			if got := r.shouldKeep(w.Ring(), s); got != step.want {
				t.Errorf("%+v: keeps = %t", step, got)
			}
		}
	})
}

// One pass fetches every batch of this node's slices, from any store, and no batch of other slices.
func TestRepairFetchesTheBatchesOfItsSlices(t *testing.T) {
	w := newWorld("a", "b", "c", "d")
	mine, other := w.sliceOf(t, "b", "a"), w.sliceOf(t, "b", "c", "d")
	w.sites["b"].put(t, batchOf(t, mine, dot(1), 1))
	w.sites["d"].put(t, batchOf(t, mine, dot(2), 2)) // stray
	w.sites["b"].put(t, batchOf(t, other, dot(3), 4))
	r := w.replicas(t, Config{Copies: 2, Quorum: 1})
	if err := r.Repair(t.Context()); err != nil {
		t.Fatal(err)
	}
	for seq, want := range map[uint64]string{1: "[a b]", 2: "[a d]"} {
		if got := show(w.holders(t, mine, dot(seq))); got != want {
			t.Errorf("batch %d is held by %s, want %s", seq, got, want)
		}
	}
	if got := show(w.holders(t, other, dot(3))); got != "[b]" {
		t.Errorf("a batch of another's slice is held by %s, want [b]", got)
	}
	if r.Fetched() != 2 {
		t.Errorf("fetched %d batches, want 2", r.Fetched())
	}
	if moving, behind := r.Progress(); moving != 0 || behind != 0 {
		t.Errorf("Progress = %d moving, %d behind after repair, want nothing", moving, behind)
	}
	w.sites["b"].put(t, batchOf(t, mine, dot(2), 2)) // as its own repair would
	asked := len(w.sites["b"].asked)
	if err := r.Repair(t.Context()); err != nil || r.Fetched() != 2 {
		t.Errorf("the second pass fetched %d, %v, want nothing more", r.Fetched()-2, err)
	}
	if got := w.sites["b"].asked[asked:]; !slices.Equal(got, []string{"summary"}) {
		t.Errorf("equal stores were asked %v, want a summary alone", got)
	}
}

// A new replica says that it is taking over until one pass has heard every store (P5).
func TestTakingOverEndsWithAWholePass(t *testing.T) {
	w := newWorld("a", "b", "c")
	mine := w.sliceOf(t, "a")
	var settled []string
	r := New(1, Config{Copies: 1, Quorum: 1}, Deps{
		Log: w.replicas(t, Config{Copies: 1, Quorum: 1}).Log, Cluster: w, Peers: w, Store: w.sites["a"].held,
		RingSettled: func(on *ring.Ring) { settled = append(settled, on.Version()) },
	})
	defer r.Stop()
	if !r.TakingOver(mine) || r.TakingOver(w.sliceOf(t, "b")) {
		t.Errorf("TakingOver = %t of its own slice, %t of another's, want true, false",
			r.TakingOver(mine), r.TakingOver(w.sliceOf(t, "b")))
	}
	w.sites["c"].fail = errBroken
	if err := r.Repair(t.Context()); err == nil || !r.TakingOver(mine) {
		t.Errorf("Repair without c = %v, taking over %t, want an error, and still", err, r.TakingOver(mine))
	}
	w.sites["c"].fail = nil
	if err := r.Repair(t.Context()); err != nil || r.TakingOver(mine) {
		t.Errorf("Repair = %v, taking over %t, want nil, and no more", err, r.TakingOver(mine))
	}
	r.Repair(t.Context())
	if len(settled) != 1 || settled[0] != w.Ring().Version() {
		t.Errorf("told of the rings %v, want once of %s", settled, w.Ring().Version())
	}
	// The settled ring of the process before counts, so a restart takes nothing over.
	again := New(2, Config{Copies: 1, Quorum: 1}, Deps{Cluster: w, Peers: w, Store: w.sites["a"].held, LastSettled: w.Ring()})
	defer again.Stop()
	if again.TakingOver(mine) {
		t.Error("taking over after a restart on the same ring")
	}
	w.add("d", true)
	if got, want := r.TakingOver(w.sliceOf(t, "a")), false; got != want {
		t.Errorf("taking over a slice that it had already: %t", got)
	}
}

// A store drops a copy of a slice that belongs elsewhere if, and only if, each replica confirms, as a replica, all of
// its batches (P1).
func TestHandOverWaitsForTheReplicas(t *testing.T) {
	for _, tt := range []struct {
		name     string
		spoil    func(t *testing.T, w *world, s flow.Slice) // a holds dots 1 and 2, b and c are the replicas and hold both
		disabled safeguard.Set
		dropped  bool
	}{
		{"all hold it", func(*testing.T, *world, flow.Slice) {}, 0, true},
		{"one lacks a batch", func(t *testing.T, w *world, s flow.Slice) { w.sites["a"].put(t, batchOf(t, s, dot(3), 1)) }, 0, false},
		{"one is silent", func(_ *testing.T, w *world, _ flow.Slice) { w.sites["c"].fail = errBroken }, 0, false},
		{"one has another store", func(_ *testing.T, w *world, _ flow.Slice) {
			w.sites["c"].answers = roster.Store{ID: roster.NewStoreID(), Name: "c", Established: true}
		}, 0, false},
		{"one has another roster", func(_ *testing.T, w *world, _ flow.Slice) {
			w.sites["c"].fail = errors.New("no replica by that roster")
		}, 0, false},
		{"the roster changes before one answers", func(_ *testing.T, w *world, _ flow.Slice) {
			w.sites["c"].before = func() { w.mark(roster.Store{ID: roster.NewStoreID(), Name: "x"}) }
		}, 0, false},
		{"the roster changes after all have answered", func(_ *testing.T, w *world, _ flow.Slice) {
			w.sites["c"].then = func() { w.mark(roster.Store{ID: roster.NewStoreID(), Name: "x"}) }
		}, 0, false},
		{"one is leaving as it answers", func(_ *testing.T, w *world, _ flow.Slice) { w.leaveWhenAsked("b", "b") }, 0, false},
		{"negative control: one lacks a batch, and no replica confirms", func(t *testing.T, w *world, s flow.Slice) {
			w.sites["a"].put(t, batchOf(t, s, dot(3), 1))
		}, safeguard.ConfirmDrop, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld("a", "b", "c")
			s := w.sliceOf(t, "b", "c")
			for _, name := range []string{"a", "b", "c"} {
				w.sites[name].put(t, batchOf(t, s, dot(1), 1))
				w.sites[name].put(t, batchOf(t, s, dot(2), 1))
			}
			tt.spoil(t, w, s)
			r := w.replicas(t, Config{Copies: 2, Quorum: 1, DropAfter: 1, Disabled: tt.disabled})
			mine, err := r.Summary()
			if err != nil {
				t.Fatal(err)
			}
			r.handOver(t.Context(), w.Ring(), mine) // all confirm
			r.handOver(t.Context(), w.Ring(), mine) // and again, later
			if got := len(w.sites["a"].held.Slices()) == 0; got != tt.dropped || r.HandedOver() > 0 != tt.dropped {
				t.Errorf("dropped: %t, counted %d, want %t", got, r.HandedOver(), tt.dropped)
			}
		})
	}
}

func TestReplicasConfirmByTheSameRoster(t *testing.T) {
	w := newWorld("a", "b", "c")
	r := w.replicas(t, Config{Copies: 1, Quorum: 1})
	mine, other, version := w.sliceOf(t, "a"), w.sliceOf(t, "b"), w.Roster().Hash()
	if err := r.ConfirmReplica(mine, version); err != nil {
		t.Errorf("ConfirmReplica(own slice) = %v, want nil", err)
	}
	if err := r.ConfirmReplica(other, version); err == nil {
		t.Error("ConfirmReplica(another's slice) = nil, want a refusal")
	}
	w.mark(roster.Store{ID: roster.NewStoreID(), Name: "x"}) // places nothing elsewhere
	if err := r.ConfirmReplica(mine, version); err == nil {
		t.Error("ConfirmReplica(an earlier roster) = nil, want a refusal")
	}
}

// Secure leaves each batch on W counting stores. This store's copy is one of them, unless it is about to go (P10).
func TestSecure(t *testing.T) {
	for _, tt := range []struct {
		name  string
		away  bool
		spoil func(w *world)
		ok    bool
		held  string
	}{
		{"it stays", false, func(*world) {}, true, "[a b]"},
		{"it goes", true, func(*world) {}, true, "[a b c]"},
		{"it goes, and one other is silent", true, func(w *world) { w.sites["b"].fail = errBroken }, true, "[a c d]"},
		{"it goes, and one other is left", true, func(w *world) {
			w.sites["b"].fail, w.sites["c"].fail = errBroken, errBroken
		}, false, "[a d]"},
		{"another one is leaving", false, func(w *world) {
			s := w.sites["b"].Store
			s.Leaving = true
			w.mark(s)
		}, true, "[a c]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld("a", "b", "c", "d")
			s := w.sliceOf(t, "b", "c", "d")
			w.sites["a"].put(t, batchOf(t, s, dot(1), 1))
			tt.spoil(w)
			err := w.replicas(t, Config{Copies: 3, Quorum: 2}).Secure(t.Context(), tt.away)
			var unavailable *contract.UnavailableError
			if (err == nil) != tt.ok || err != nil && !errors.As(err, &unavailable) {
				t.Errorf("Secure = %v, want it to work: %t", err, tt.ok)
			}
			if got := show(w.holders(t, s, dot(1))); got != tt.held {
				t.Errorf("held by %s, want %s", got, tt.held)
			}
		})
	}
}

// When all stores start together, none copies batches of replicas that it has not heard yet. It waits for a silent
// store no longer than others wait to stand in for it. A stopping store does not wait.
func TestSecureWaitsForStoresThatAreAboutToStart(t *testing.T) {
	for _, tt := range []struct {
		after time.Duration
		away  bool
		held  string
	}{{9 * time.Second, false, "[a]"}, {10 * time.Second, false, "[a c]"}, {0, true, "[a c d]"}} {
		racetest.Bubble(t, func(t *testing.T) {
			w := newWorld("a", "b", "c", "d")
			s := w.sliceOf(t, "b", "c", "d")
			w.sites["a"].put(t, batchOf(t, s, dot(1), 1))
			w.sites["b"].unheard = true
			r := w.replicas(t, Config{Copies: 3, Quorum: 2})
			time.Sleep(tt.after)
			err := r.Secure(t.Context(), tt.away)
			if got := show(w.holders(t, s, dot(1))); got != tt.held || (err == nil) != (tt.held != "[a]") {
				t.Errorf("after %v, away: %t: Secure = %v, held by %s, want %s", tt.after, tt.away, err, got, tt.held)
			}
			r.Stop()
		})
	}
}

// Secure of slices on enough stores costs one summary of each store, and no digest.
func TestSecureOfSecuredSlicesCostsASummary(t *testing.T) {
	w := newWorld("a", "b", "c")
	s := w.sliceOf(t, "a", "b", "c")
	for _, site := range w.sites {
		site.put(t, batchOf(t, s, dot(1), 1))
	}
	if err := w.replicas(t, Config{Copies: 3, Quorum: 2}).Secure(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"b", "c"} {
		if got := w.sites[name].asked; !slices.Equal(got, []string{"summary"}) {
			t.Errorf("%s was asked %v, want a summary alone", name, got)
		}
	}
}

func TestFetchTakesNoBatchOfAnotherSlice(t *testing.T) {
	w := newWorld("a", "b")
	r := w.replicas(t, Config{Copies: 2, Quorum: 1})
	r.Peers = wrongSlice{w, batchOf(t, flow.Slice{Hour: 2}, dot(1), 1).Encode()}
	err := r.fetch(t.Context(), "b", flow.Slice{Hour: 1}, digest.Digest{}, nil)
	if err == nil || len(w.sites["a"].held.Slices()) != 0 {
		t.Errorf("fetch = %v with %v held, want an error and nothing", err, w.sites["a"].held.Slices())
	}
}

// A copy outlives the first confirmation, because a read may still be under way that asked a replica before it held
// all (P4).
func TestACopyOutlivesTheReadsThatBeganBeforeItWasConfirmed(t *testing.T) {
	for _, tt := range []struct {
		name    string
		after   time.Duration
		grows   bool // a batch arrives, here and at the replicas, between the confirmations
		dropped bool
	}{
		{"confirmed just now", time.Hour, false, false},
		{"confirmed long enough ago", 1, false, true},
		{"confirmed long enough ago, but of less", 1, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld("a", "b", "c")
			s := w.sliceOf(t, "b", "c")
			put := func(seq uint64) {
				for _, name := range []string{"a", "b", "c"} {
					w.sites[name].put(t, batchOf(t, s, dot(seq), 1))
				}
			}
			put(1)
			r := w.replicas(t, Config{Copies: 2, Quorum: 1, DropAfter: tt.after})
			for range 2 {
				mine, err := r.Summary()
				if err != nil {
					t.Fatal(err)
				}
				r.handOver(t.Context(), w.Ring(), mine)
				if tt.grows {
					put(2)
				}
			}
			if got := r.HandedOver() > 0; got != tt.dropped {
				t.Errorf("dropped: %t, want %t", got, tt.dropped)
			}
		})
	}
}
