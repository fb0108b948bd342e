package replica

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"flowring/internal/contract"
	"flowring/internal/racetest"
	"flowring/internal/safeguard"
	"flowring/ring/roster"
	"flowring/store"
)

// An ack counts if its store is established, and neither leaving nor forgotten, by the roster as merged from all
// answers. Each store counts once (P1, P4).
func TestWhichAcksCount(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(w *world) // the list is a, b, c, d; a is the node itself
		want  bool           // W = 3 is reached
		acks  string         // the stores with the batch
	}{
		{"three stores", func(*world) {}, true, "[a b c]"},
		{"one is unreachable, the next stands in", func(w *world) { w.sites["b"].fail = errRefused }, true, "[a c d]"},
		{"two are unreachable", func(w *world) { w.sites["b"].fail, w.sites["c"].fail = errRefused, errBroken }, false, "[a d]"},
		{"one answers for another", func(w *world) { w.sites["b"].answers = w.sites["c"].Store }, true, "[a b c d]"},
		{
			"two answer for a third", func(w *world) { w.sites["b"].answers, w.sites["d"].answers = w.sites["c"].Store, w.sites["c"].Store },
			false, "[a b c d]",
		},
		{
			"one has a new store that is not on the roster", func(w *world) { w.sites["b"].answers = roster.Store{ID: roster.NewStoreID(), Name: "b"} },
			true, "[a b c d]",
		},
		{
			"one has a new store that is not established", func(w *world) {
				w.sites["b"].answers = roster.Store{ID: roster.NewStoreID(), Name: "b"}
				w.mark(w.sites["b"].answers)
			},
			true, "[a b c d]",
		},
		{"one is found to be leaving when it answers", func(w *world) { w.leaveWhenAsked("b", "b") }, true, "[a b c d]"},
		{"one that has answered is found to be leaving", func(w *world) { w.leaveWhenAsked("c", "a") }, true, "[a b c d]"},
		{
			"two are found to be leaving", func(w *world) { w.leaveWhenAsked("b", "b"); w.leaveWhenAsked("c", "c") },
			false, "[a b c d]",
		},
		{"a lost answer is no ack", func(w *world) { w.sites["b"].lost = true }, true, "[a b c d]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld("a", "b", "c", "d")
			s := w.sliceOf(t, "a", "b", "c", "d")
			r := w.replicas(t, Config{Copies: 3, Quorum: 3, HedgeAfter: time.Hour})
			tt.spoil(w)
			b := batchOf(t, s, dot(1), 1)
			_, err := r.Admit(t.Context(), false, written(b))
			var unavailable *contract.UnavailableError
			if (err == nil) != tt.want || err != nil && !errors.As(err, &unavailable) {
				t.Errorf("Admit = %v, want stored: %t", err, tt.want)
			}
			r.Stop() // waits for the rest of the replication
			if got := show(w.holders(t, s, dot(1))); got != tt.acks {
				t.Errorf("held by %s, want %s", got, tt.acks)
			}
		})
	}
}

// A late answer may bring the news of a leaving store. The acks of all batches are counted again then, also of those
// on W stores before.
func TestBatchesAreCountedAgainWithTheLastAnswer(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		w := newWorld("a", "b", "c", "d")
		first, second := w.sliceOf(t, "b", "d"), w.sliceOf(t, "c")
		w.sites["c"].before = func() {
			time.Sleep(time.Second) // b has answered by then
			s := w.sites["b"].Store
			s.Leaving = true
			w.mark(s)
		}
		r := w.replicas(t, Config{Copies: 1, Quorum: 1, HedgeAfter: time.Hour})
		batches := append(written(batchOf(t, first, dot(1), 1)), written(batchOf(t, second, dot(2), 1))...)
		if _, err := r.Admit(t.Context(), false, batches); err != nil {
			t.Errorf("Admit = %v, want nil", err)
		}
		if got := show(w.holders(t, first, dot(1))); got != "[b d]" {
			t.Errorf("the first batch is held by %s, want [b d]", got)
		}
		r.Stop()
	})
}

// leaveWhenAsked marks the store of a node as leaving when another store gets a batch.
func (w *world) leaveWhenAsked(asked, leaves string) {
	w.sites[asked].before = func() {
		s := w.sites[leaves].Store
		s.Leaving = true
		w.mark(s)
	}
}

// Replication to the stores beyond the quorum goes on after the answer, so that R copies exist soon. Stop waits for
// it.
func TestReplicationGoesOnAfterTheAnswer(t *testing.T) {
	w := newWorld("a", "b", "c")
	s := w.sliceOf(t, "a", "b", "c")
	slow, answered := make(chan struct{}), make(chan struct{})
	w.sites["c"].before = func() { <-slow }
	r := w.replicas(t, Config{Copies: 3, Quorum: 2, HedgeAfter: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	b := batchOf(t, s, dot(1), 1)
	go func() {
		defer close(answered)
		if _, err := r.Admit(ctx, false, written(b)); err != nil {
			t.Errorf("Admit = %v, want nil", err)
		}
	}()
	<-answered
	cancel() // the request is over
	close(slow)
	r.Stop()
	if got := show(w.holders(t, s, dot(1))); got != "[a b c]" {
		t.Errorf("held by %s, want [a b c]", got)
	}
}

// An owner answers once it has the batch itself, even if others make the quorum earlier. It judges the next batch with
// the same key or the same flows by its own content (P3, P14).
func TestAnOwnerAnswersOnceItHasTheBatchItself(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		w := newWorld("a", "b", "c")
		s := w.sliceOf(t, "a", "b", "c")
		disk := newMemory()
		disk.gate = make(chan struct{})
		w.sites["a"].held = store.New(store.Config{}, store.Deps{Journal: disk})
		r := w.replicas(t, Config{Copies: 3, Quorum: 2, HedgeAfter: time.Hour})
		answered := make(chan error, 1)
		b := batchOf(t, s, dot(1), 1)
		go func() {
			_, err := r.Admit(t.Context(), false, written(b))
			answered <- err
		}()
		synctest.Wait()
		if got := show(w.holders(t, s, dot(1))); got != "[b c]" {
			t.Errorf("held by %s, want [b c]", got)
		}
		select {
		case err := <-answered:
			t.Errorf("Admit = %v before the owner holds the batch", err)
		default:
			close(disk.gate)
			if err := <-answered; err != nil {
				t.Errorf("Admit = %v, want nil", err)
			}
		}
	})
}

// Without the quorum one store's ack would be enough (negative control of P1).
func TestAWriteWaitsForTheQuorum(t *testing.T) {
	for _, off := range []bool{false, true} {
		w := newWorld("a", "b", "c")
		s := w.sliceOf(t, "a", "b", "c")
		w.failAll(errRefused)
		cfg := Config{Copies: 3, Quorum: 2}
		if off {
			cfg.Disabled = safeguard.Quorum
		}
		b := batchOf(t, s, dot(1), 1)
		_, err := w.replicas(t, cfg).Admit(t.Context(), false, written(b))
		if (err == nil) != off {
			t.Errorf("Admit with one store that answers = %v with the safeguard off: %t", err, off)
		}
	}
}

func TestASlowReplicaIsHedged(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		w := newWorld("a", "b", "c", "d")
		s := w.sliceOf(t, "a", "b", "c", "d")
		w.sites["b"].hang = true
		r := w.replicas(t, Config{Copies: 2, Quorum: 2, HedgeAfter: 100 * time.Millisecond, CallWait: time.Second})
		b := batchOf(t, s, dot(1), 1)
		begun := time.Now()
		if _, err := r.Admit(t.Context(), false, written(b)); err != nil || time.Since(begun) != 100*time.Millisecond {
			t.Errorf("Admit = %v after %v, want nil after 100ms", err, time.Since(begun))
		}
		for r.hedges.Spend() { // negative control: the slow store is replaced when it fails, a second after the first call
		}
		again := batchOf(t, s, dot(2), 1)
		if _, err := r.Admit(t.Context(), false, written(again)); err != nil || time.Since(begun) != time.Second {
			t.Errorf("Admit without a budget = %v %v after the first call, want nil after 1s", err, time.Since(begun))
		}
		r.Stop()
	})
}

func TestWriteEndsWithItsTime(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		w := newWorld("a", "b", "c")
		s := w.sliceOf(t, "a", "b", "c")
		w.sites["b"].hang, w.sites["c"].hang = true, true
		r := w.replicas(t, Config{Copies: 3, Quorum: 2})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		b := batchOf(t, s, dot(1), 1)
		_, err := r.Admit(ctx, false, written(b))
		var unavailable *contract.UnavailableError
		if !errors.As(err, &unavailable) || !errors.Is(err, context.DeadlineExceeded) ||
			err.Error() != "1 of the 2 stores that the write quorum asks for acknowledged (no answer from b, c)" {
			t.Errorf("Admit = %v, want 1 of 2, out of time, and the silent stores", err)
		}
		r.Stop()
	})
}

// The nodes of lost disks answer with their new stores, whose acks do not count while they are not established. The
// refusal of a write names the lost stores, and the command that takes them off the roster (P9).
func TestARefusedWriteNamesTheStoresWhoseNodesHaveOthers(t *testing.T) {
	w := newWorld("a", "b", "c")
	var labels []any
	for _, name := range []string{"b", "c"} {
		site := w.sites[name]
		site.answers = roster.Store{ID: roster.NewStoreID(), Name: name}
		w.mark(site.answers)
		labels = append(labels, contract.StoreLabel(name, string(site.ID)))
	}
	r := w.replicas(t, Config{Copies: 3, Quorum: 2})
	_, err := r.Admit(t.Context(), false, written(batchOf(t, w.sliceOf(t, "a", "b", "c"), dot(1), 1)))
	want := fmt.Sprintf("1 of the 2 stores that the write quorum asks for acknowledged (no answer from %s, %s); "+
		"if the disk of a store with an ID here is lost, take the store off with flowring forget STORE", labels...)
	if fmt.Sprint(err) != want {
		t.Errorf("Admit = %v, want %s", err, want)
	}
	r.Stop()
}

// A write without enough stores is refused before any attempt, at the node asked and at the owner. A store with a
// single failed call may be there.
func TestAWriteWithoutEnoughStoresIsRefusedImmediately(t *testing.T) {
	for _, tt := range []struct {
		name   string
		gone   bool
		refuse bool
	}{{"the others are gone", true, true}, {"the others were not heard once", false, false}} {
		w := newWorld("a", "b", "c")
		s := w.sliceOf(t, "a", "b", "c")
		for _, name := range []string{"b", "c"} {
			w.sites[name].unheard, w.sites[name].gone = true, tt.gone
		}
		r := w.replicas(t, Config{Copies: 3, Quorum: 2})
		b := batchOf(t, s, dot(1), 1)
		_, submitted := r.Submit(t.Context(), posting(t, 1, s))
		_, admitted := r.Admit(t.Context(), false, written(b))
		for call, err := range map[string]error{"Submit": submitted, "Admit": admitted} {
			var unavailable *contract.UnavailableError
			if refused := errors.As(err, &unavailable); refused != tt.refuse {
				t.Errorf("%s: %s = %v, refused: %t, want %t", tt.name, call, err, refused, tt.refuse)
				continue
			}
			want := "1 of the 2 stores that the write quorum asks for are heard (no answer from b, c)"
			if tt.refuse && err.Error() != want {
				t.Errorf("%s: %s = %v, want %s", tt.name, call, err, want)
			}
		}
		r.Stop()
		if held := w.holders(t, s, dot(1)); tt.refuse && len(held)+len(w.sites["b"].asked) > 0 {
			t.Errorf("%s: held by %v, and b was asked %v, want neither", tt.name, held, w.sites["b"].asked)
		}
	}
}

// For a write, a batch whose ID is held under another dot counts as stored.
func TestApplyOfAKnownID(t *testing.T) {
	w := newWorld("a")
	s := w.sliceOf(t, "a")
	r := w.replicas(t, Config{Copies: 1, Quorum: 1})
	for seq := range uint64(2) {
		p := posting(t, 1, s)
		p.Identify("", "key")
		b := p.Batches[0]
		b.Dot = dot(seq + 1)
		if err := r.Apply(written(b)); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.holders(t, s, dot(2)); len(got) != 0 {
		t.Errorf("the second dot is held by %v, want by no store", got)
	}
}
