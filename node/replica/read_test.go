package replica

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/internal/racetest"
	"flowring/internal/safeguard"
	"flowring/node/replica/proof"
	"flowring/ring/roster"
	"flowring/store/digest"
)

// The completeness of a reading (P4, P5) with R=3, W=2 and five stores. The replicas are a, b and c, and a reads.
func TestCompletenessOfAReading(t *testing.T) {
	for _, tt := range []struct {
		name   string
		spoil  func(t *testing.T, w *world, s flow.Slice)
		level  contract.Completeness
		silent string
		total  int64 // bytes of the flow; the bytes of batches are powers of two
	}{
		{"every store answers", func(*testing.T, *world, flow.Slice) {}, contract.Complete, "[]", 1},
		{"one other store is silent", func(_ *testing.T, w *world, _ flow.Slice) { w.sites["d"].fail = errBroken }, contract.Complete, "[d]", 1},
		{"one replica is silent", func(_ *testing.T, w *world, _ flow.Slice) { w.sites["b"].fail = errBroken }, contract.Complete, "[b]", 1},
		{"one is not heard any more", func(_ *testing.T, w *world, _ flow.Slice) { w.sites["b"].unheard = true }, contract.Complete, "[b]", 1},
		{"two others are silent", func(_ *testing.T, w *world, _ flow.Slice) {
			w.sites["d"].fail, w.sites["e"].fail = errBroken, errBroken
		}, contract.Unproven, "[d e]", 1},
		{"two replicas are silent", func(_ *testing.T, w *world, _ flow.Slice) {
			w.sites["b"].fail, w.sites["c"].fail = errBroken, errBroken
		}, contract.Partial, "[b c]", 1},
		{"one is silent and another recovers", func(_ *testing.T, w *world, _ flow.Slice) {
			w.sites["d"].fail, w.sites["e"].recovering = errBroken, true
		}, contract.Unproven, "[d e]", 1},
		{"two are silent and a replica takes over", func(_ *testing.T, w *world, _ flow.Slice) {
			w.sites["d"].fail, w.sites["e"].fail, w.sites["b"].takingOver = errBroken, errBroken, true
		}, contract.Partial, "[d e]", 1},
		{"all answer, a replica takes over, and a batch cannot be put on a second store", func(t *testing.T, w *world, s flow.Slice) {
			w.sites["a"].put(t, batchOf(t, s, dot(2), 2))
			w.sites["b"].takingOver = true
			for _, name := range []string{"b", "c", "d", "e"} {
				w.sites[name].fails = "give"
			}
		}, contract.Unproven, "[]", 3},
		{"another store answers in one's place", func(_ *testing.T, w *world, _ flow.Slice) {
			w.sites["d"].answers = roster.Store{ID: roster.NewStoreID(), Name: "d", Established: true}
		}, contract.Complete, "[d]", 1},
		{"a stray batch is on one other store alone", func(t *testing.T, w *world, s flow.Slice) {
			w.sites["e"].put(t, batchOf(t, s, dot(2), 2))
		}, contract.Complete, "[]", 3},
		{"a batch is here alone", func(t *testing.T, w *world, s flow.Slice) {
			w.sites["a"].put(t, batchOf(t, s, dot(2), 2))
		}, contract.Complete, "[]", 3},
		{"a batch is on one that answers and one that is silent", func(t *testing.T, w *world, s flow.Slice) {
			w.sites["d"].put(t, batchOf(t, s, dot(2), 2))
			w.sites["e"].put(t, batchOf(t, s, dot(2), 2))
			w.sites["e"].fail = errBroken
		}, contract.Complete, "[e]", 3},
		{"a store that is not established is asked, and its batch counts", func(t *testing.T, w *world, s flow.Slice) {
			w.add("x", false).put(t, batchOf(t, s, dot(2), 2))
		}, contract.Complete, "[]", 3},
		{"a store learnt of from an answer is asked too", func(t *testing.T, w *world, s flow.Slice) {
			late := w.late("x")
			late.put(t, batchOf(t, s, dot(2), 2))
			w.sites["d"].before = func() { w.mark(late.Store) }
		}, contract.Complete, "[]", 3},
		{"a store learnt of from an answer is missed too", func(_ *testing.T, w *world, _ flow.Slice) {
			late := w.late("x")
			late.fail = errBroken
			w.sites["d"].before = func() { w.mark(late.Store) }
			w.sites["e"].fail = errBroken
		}, contract.Unproven, "[e x]", 1},
		{"a store forgotten while it is asked counts as silent", func(_ *testing.T, w *world, _ flow.Slice) {
			w.sites["e"].fail, w.sites["d"].fail = errBroken, errBroken
			w.sites["b"].before = func() { w.mark(forgottenOf(w, "e")) }
		}, contract.Unproven, "[d e]", 1},
		{"a store forgotten before is not missed", func(_ *testing.T, w *world, _ flow.Slice) {
			w.sites["e"].fail, w.sites["d"].fail = errBroken, errBroken
			w.mark(forgottenOf(w, "e"))
		}, contract.Complete, "[d]", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld("a", "b", "c", "d", "e")
			s := w.sliceOf(t, "a", "b", "c")
			for _, name := range []string{"a", "b", "c"} {
				w.sites[name].put(t, batchOf(t, s, dot(1), 1))
			}
			tt.spoil(t, w, s)
			r := w.replicas(t, Config{Copies: 3, Quorum: 2})
			got, err := r.Read(t.Context(), s, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got.Completeness != tt.level || show(got.Silent) != tt.silent || total(got) != tt.total {
				t.Errorf("Read = level %d, silent %v, total %d, want %d, %s, %d",
					got.Completeness, got.Silent, total(got), tt.level, tt.silent, tt.total)
			}
			if got.Completeness == contract.Complete { // every batch shown is on W stores that count now
				w.mustHold(t, r, s, got.Shown, 2)
			}
		})
	}
}

// late returns a site off the roster.
func (w *world) late(name string) *site {
	before := w.roster
	s := w.add(name, true)
	w.roster = before
	return s
}

func total(r *Reading) (n int64) {
	for rec := range r.Records() {
		n += rec.BytesTx
	}
	return n
}

// mustHold fails the test unless each dot is on at least n counting stores.
func (w *world) mustHold(t *testing.T, r *Replicas, s flow.Slice, dots digest.Digest, n int) {
	t.Helper()
	for d := range dots.Dots() {
		names := slices.DeleteFunc(w.holders(t, s, d), func(name string) bool { return !r.counts(w.sites[name].Store) })
		if len(names) < n {
			t.Errorf("batch %s of a complete reading is on %v, want %d stores", d, names, n)
		}
	}
}

// The negative controls of the safeguards of reads: without each of them the reading is complete, which is wrong.
func TestReadingsNeedTheirSafeguards(t *testing.T) {
	for _, tt := range []struct {
		name     string
		disabled safeguard.Set
	}{{"asking everybody", safeguard.AskEverybody}, {"pushing back", safeguard.PushBack}} {
		t.Run(tt.name, func(t *testing.T) {
			for _, off := range []bool{false, true} {
				w := newWorld("a", "b", "c", "d", "e")
				s := w.sliceOf(t, "a", "b", "c")
				w.sites["e"].put(t, batchOf(t, s, dot(2), 2))
				cfg := Config{Copies: 3, Quorum: 2}
				if off {
					cfg.Disabled = tt.disabled
				}
				if tt.disabled == safeguard.PushBack { // the batch is on one store, and no push succeeds
					w.sites["a"].put(t, batchOf(t, s, dot(3), 4))
					for _, name := range []string{"b", "c", "d", "e"} {
						site := w.sites[name]
						site.before = func() { site.fail = errBroken } // after its digest
					}
				}
				got, err := w.replicas(t, cfg).Read(t.Context(), s, nil)
				if err != nil {
					t.Fatal(err)
				}
				missed := got.Completeness == contract.Complete && (total(got)&2 == 0 || len(w.holders(t, s, dot(3))) == 1)
				if missed != off {
					t.Errorf("level %d, total %d, with the safeguard off: %t", got.Completeness, total(got), off)
				}
			}
		})
	}
}

// A read shows the batches that this store drops between its own digest and its answer, because the owner holds them
// too (P4).
func TestAReadShowsBatchesThatAreDroppedDuringIt(t *testing.T) {
	for _, off := range []bool{false, true} {
		w := newWorld("a", "b")
		s := w.sliceOf(t, "b", "a")
		both, other := batchOf(t, s, dot(1), 1), batchOf(t, s, dot(2), 2)
		w.sites["a"].put(t, both)
		w.sites["b"].put(t, both)
		w.sites["b"].put(t, other)
		w.sites["b"].then = func() {
			if _, err := w.sites["a"].held.Drop(s, digest.Of(dot(1))); err != nil {
				t.Error(err)
			}
		}
		cfg, want := Config{Copies: 1, Quorum: 1}, int64(3)
		if off {
			cfg.Disabled, want = safeguard.ShowHeard, 2
		}
		got, err := w.replicas(t, cfg).Read(t.Context(), s, nil)
		if err != nil || got.Completeness != contract.Complete || total(got) != want {
			t.Errorf("Read = level %d, total %d, %v, with the safeguard off: %t; want complete with %d", got.Completeness, total(got), err, off, want)
		}
	}
}

// A store that has not recovered proves nothing, itself included (P9).
func TestARecoveringStoreProvesNothing(t *testing.T) {
	w := newWorld("a", "b", "c")
	s := w.sliceOf(t, "a", "b", "c")
	r := w.replicas(t, Config{Copies: 3, Quorum: 2})
	r.recovered.Store(false)
	got, err := r.Read(t.Context(), s, nil)
	if err != nil || got.Completeness != contract.Unproven || show(got.Silent) != "[a]" {
		t.Fatalf("Read = level %d, silent %v, %v, want unproven for want of itself", got.Completeness, got.Silent, err)
	}
	w.sites["b"].unheard, w.sites["c"].asked = true, nil
	r.recover(t.Context())
	if asked := w.sites["c"].asked; !r.Recovering() || len(asked) > 0 {
		t.Errorf("recovered without another store, or asked the third for nothing: %v", asked)
	}
	w.sites["b"].unheard, w.sites["b"].fail = false, errBroken
	r.recover(t.Context())
	if !r.Recovering() {
		t.Error("recovered though another store did not secure its batches; at W=2 none may be missing")
	}
	w.sites["b"].fail = nil
	w.sites["b"].answers = roster.Store{ID: roster.NewStoreID(), Name: "b"}
	r.recover(t.Context())
	if !r.Recovering() {
		t.Error("recovered by the word of another store than the one on the roster")
	}
	w.sites["b"].answers = roster.Store{}
	r.recover(t.Context())
	if r.Recovering() {
		t.Error("not recovered though all others secured their batches")
	}
	if got, err := r.Read(t.Context(), s, nil); err != nil || got.Completeness != contract.Complete {
		t.Errorf("Read = level %d, %v, want complete", got.Completeness, err)
	}
}

// onQuorum returns the same dots as a count for each dot.
func TestOnQuorumEqualsTheNaiveCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := []string{"a", "b", "c", "d", "e"}[:rapid.IntRange(1, 5).Draw(t, "stores")]
		w := newWorld(names...)
		quorum := rapid.IntRange(1, len(names)).Draw(t, "quorum")
		r := New(1, Config{Copies: len(names), Quorum: quorum}, Deps{Cluster: w, Peers: w})
		defer r.Stop()
		p := r.newPoll(flow.Slice{}, nil)
		p.ExcludeSelf = rapid.Bool().Draw(t, "away")
		p.Self = w.Self()
		count := map[flow.Dot]int{}
		var shown digest.Digest
		for i, name := range names {
			s := w.sites[name]
			if rapid.Bool().Draw(t, name+" leaves") {
				s.Leaving = true
				w.mark(s.Store)
			}
			v := &proof.Reply{DigestReply: DigestReply{From: s.Store}, Addr: name}
			if i == 0 {
				v.Addr = ""
			}
			for _, seq := range rapid.SliceOfDistinct(rapid.Uint64Range(1, 6), rapid.ID[uint64]).Draw(t, name) {
				v.Digest.Add(dot(seq))
				shown.Add(dot(seq))
				if !s.Leaving && !(p.ExcludeSelf && i == 0) {
					count[dot(seq)]++
				}
			}
			p.All[s.ID] = v
		}
		var want digest.Digest
		for d, n := range count {
			if n >= quorum {
				want.Add(d)
			}
		}
		if got := p.OnQuorum(shown); !got.Equal(want) {
			t.Errorf("onQuorum = %v, want %v", got, want)
		}
	})
}

// A complete reading has the batches of all stores that answer, and leaves each batch on W stores, for random
// placements.
func TestCompleteReadingsHaveEverything(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 3))
		w := newWorld("a", "b", "c", "d", "e")
		s := w.sliceOf(t, "a", "b", "c")
		heard := map[flow.Dot]bool{}
		for name, site := range w.sites {
			if name != "a" && rng.IntN(5) == 0 {
				site.fail = errBroken
			}
			for seq := range uint64(4) {
				if rng.IntN(4) == 0 {
					site.put(t, batchOf(t, s, dot(seq+1), 1<<seq))
					heard[dot(seq+1)] = heard[dot(seq+1)] || site.fail == nil
				}
			}
		}
		quorum := 1 + rng.IntN(3)
		r := w.replicas(t, Config{Copies: 3, Quorum: quorum})
		got, err := r.Read(t.Context(), s, nil)
		if err != nil {
			t.Fatal(err)
		}
		for d, answers := range heard {
			if answers && !got.Shown.Has(d) {
				t.Errorf("seed %d: the reading lacks %s, which a store that answers holds", seed, d)
			}
		}
		if got.Completeness == contract.Complete {
			w.mustHold(t, r, s, got.Shown, quorum)
		}
	}
}

func TestReadNamesTheSilentStoresInOrder(t *testing.T) {
	w := newWorld("a", "b", "c", "d")
	w.failAll(errBroken)
	got, err := w.replicas(t, Config{Copies: 1, Quorum: 1}).Read(t.Context(), w.sliceOf(t, "a"), nil)
	if err != nil || fmt.Sprint(got.Silent) != "[b c d]" || got.Completeness != contract.Unproven {
		t.Errorf("Read = level %d, silent %v, %v, want unproven, [b c d]", got.Completeness, got.Silent, err)
	}
}

// A reader that has the flows gets none, and the same proof: a batch of this store alone is on W stores afterwards.
func TestAReadingWithoutFlowsProvesAsMuch(t *testing.T) {
	w := newWorld("a", "b", "c")
	s := w.sliceOf(t, "a", "b", "c")
	r := w.replicas(t, Config{Copies: 3, Quorum: 2})
	w.sites["a"].put(t, batchOf(t, s, dot(1), 1))
	w.sites["b"].put(t, batchOf(t, s, dot(2), 1))
	both := digest.Of(dot(1), dot(2))
	got, err := r.Read(t.Context(), s, both.Equal)
	if err != nil || got.Reading != nil || got.Completeness != contract.Complete || !got.Shown.Equal(both) {
		t.Fatalf("Read by a reader with both batches = %+v, %v, want both shown, complete, without flows", got, err)
	}
	w.mustHold(t, r, s, both, 2)
	one := digest.Of(dot(1))
	if got, err := r.Read(t.Context(), s, one.Equal); err != nil || got.Reading == nil || total(got) != 2 {
		t.Errorf("Read by a reader with one of two batches = %+v, %v, want the flows", got, err)
	}
}

// A store that lacks much of an hour names the counting store that lacks least. It fetches few batches by itself (P4).
func TestAStoreThatIsBehindNamesAFullerOne(t *testing.T) {
	for _, tt := range []struct {
		name    string
		a, b, c int // the number of batches of each
		spoil   func(w *world)
		fuller  string // "": it answers by itself
	}{
		{"it lacks much", 0, 200, 100, nil, "b"},
		{"it lacks little", 150, 200, 100, nil, ""},
		{"it lacks least", 150, 100, 100, nil, ""},
		{"all lack the same", 0, 0, 0, nil, ""},
		{"the fullest recovers", 0, 200, 150, func(w *world) { w.sites["b"].recovering = true }, "c"},
		{"the fullest is leaving", 0, 200, 150, func(w *world) {
			s := w.sites["b"].Store
			s.Leaving = true
			w.mark(s)
		}, "c"},
		{"the fullest is silent", 0, 200, 150, func(w *world) { w.sites["b"].fail = errBroken }, "c"},
		{"it lacks little and cannot fetch it", 150, 200, 100, func(w *world) { w.sites["b"].fails = "missing" }, "b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld("a", "b", "c")
			s := w.sliceOf(t, "a", "b", "c")
			for name, n := range map[string]int{"a": tt.a, "b": tt.b, "c": tt.c} {
				for seq := range uint64(n) {
					w.sites[name].put(t, batchOf(t, s, dot(seq+1), 1))
				}
			}
			if tt.spoil != nil {
				tt.spoil(w)
			}
			r := w.replicas(t, Config{Copies: 3, Quorum: 2})
			got, err := r.ReadUnlessBehind(t.Context(), s, nil)
			var behind *BehindError
			switch {
			case tt.fuller == "" && (err != nil || total(got) != int64(max(tt.a, tt.b, tt.c)) || got.Completeness != contract.Complete):
				t.Errorf("read = %v, want all of it", err)
			case tt.fuller != "" && (!errors.As(err, &behind) || behind.Fuller.Name != tt.fuller || behind.Addr != tt.fuller):
				t.Errorf("read = %v, want %s named", err, tt.fuller)
			case tt.fuller != "" && w.sites[tt.fuller].calls("missing") > 0 && tt.a == 0:
				t.Errorf("%s was asked for batches that there is no time for", tt.fuller)
			}
		})
	}
}

// A round takes no longer than the sum of the limits of its parts, however slow the pulls and pushes are.
func TestARoundIsBounded(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		w := newWorld("a", "b", "c", "d")
		s := w.sliceOf(t, "a", "b", "c")
		w.sites["a"].put(t, batchOf(t, s, dot(100), 1)) // to be pushed
		for seq := range uint64(50) {
			w.sites["b"].put(t, batchOf(t, s, dot(seq+1), 1))
		}
		w.sites["b"].slow = 100 * time.Millisecond
		w.sites["c"].idle, w.sites["d"].hang = true, true
		r := w.replicas(t, Config{Copies: 3, Quorum: 2})
		begun := time.Now()
		got, err := r.Read(t.Context(), s, nil)
		if took := time.Since(begun); err != nil || got.Completeness == contract.Complete || took > 2600*time.Millisecond {
			t.Errorf("Read = %v after %v, level %d, want not complete within 2.6 s", err, took, got.Completeness)
		}
		r.Stop()
	})
}

// A round may leave out the flows only if all of its readers know them.
func TestARoundKnowsTheFlowsOfAllItsReaders(t *testing.T) {
	one, none := digest.Of(dot(1)), digest.Digest{}
	for _, tt := range []struct {
		name  string
		known []Known
		want  bool
	}{
		{"one reader knows them", []Known{one.Equal}, true},
		{"two readers know them", []Known{one.Equal, one.Equal}, true},
		{"one reader knows them, one knows others", []Known{one.Equal, none.Equal}, false},
		{"one reader knows them, one knows none", []Known{one.Equal, nil}, false},
	} {
		if got := knownToAll(tt.known)(one); got != tt.want {
			t.Errorf("%s: knownToAll = %t, want %t", tt.name, got, tt.want)
		}
	}
}
