package replica

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"flowring/flow"
	"flowring/internal/racetest"
	"flowring/node/replica/scrub"
	"flowring/store"
	"flowring/store/digest"
	"flowring/store/totals"
)

// A store with a large journal recovers before it has read all of it. The log says so, and has a message for the end
// of the pass.
func TestTheLogSaysWhetherTheJournalIsRead(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		w := newWorld("a", "b")
		w.fill(t, 3, 1, "a")
		r := w.replicas(t, Config{Copies: 2, Quorum: 2})
		var log bytes.Buffer
		r.Log = slog.New(slog.NewTextHandler(&log, nil))
		r.scrubber.Log = r.Log
		r.scrubber.Expect()
		r.recovered.Store(false)
		r.recover(t.Context())
		if !r.Recovering() {
			t.Error("recovered within 10 s, before the journal was read")
		}
		time.Sleep(10 * time.Second)
		r.recover(t.Context())
		if r.Recovering() || !strings.Contains(log.String(), `msg="store recovered" journal_read=false`) {
			t.Errorf("log = %s, want that the store has recovered and still reads its journal", &log)
		}
		r.loops.Go(func() { r.scrubber.Run(r.ctx) })
		time.Sleep(time.Second)
		if r.reading() || !strings.Contains(log.String(), `msg="journal read through" slices=3 took=0s unreadable=0`) {
			t.Errorf("log = %s, want that the journal was read through", &log)
		}
		r.Stop()
	})
}

// badIndex is a journal whose dots cannot be read.
type badIndex struct{ *memory }

func (badIndex) Dots(flow.Slice, func(flow.Dot) error) error { return store.ErrUnreadable }

// Damage to the index ends the node, because no other store can make it good.
func TestDamageToTheIndexEndsTheNode(t *testing.T) {
	w := newWorld("a", "b")
	w.sites["a"].held = store.New(store.Config{}, store.Deps{Journal: badIndex{newMemory()}})
	w.fill(t, 3, 1, "a")
	r := w.replicas(t, Config{Copies: 2, Quorum: 2})
	var failed error
	r.scrubber.Fail = func(err error) { failed = err }
	r.scrubber.Run(t.Context()) // the first pass
	if r.Scrubs().Passes > 0 || !errors.Is(failed, store.ErrUnreadable) {
		t.Errorf("after %d passes the node ends with %v, want none and %v", r.Scrubs().Passes, failed, store.ErrUnreadable)
	}
}

// worn is a journal with batches that cannot be read until they are written again.
type worn struct {
	*memory
	bad map[flow.Dot]bool
}

func (j *worn) Get(s flow.Slice, d flow.Dot) ([]byte, error) {
	if j.bad[d] {
		return nil, store.ErrUnreadable
	}
	return j.memory.Get(s, d)
}

func (j *worn) Load(s flow.Slice, fn func([]byte) error) error {
	return j.Dots(s, func(d flow.Dot) error {
		encoded, err := j.Get(s, d)
		if err != nil {
			return err
		}
		return fn(encoded)
	})
}

func (j *worn) Append(batches ...flow.Written) error {
	for _, b := range batches {
		delete(j.bad, b.Dot)
	}
	return j.memory.Append(batches...)
}

// A later pass takes its period. It finds a batch that became unreadable since the last one, and totals that are not the
// fold of the batches; repair fetches the batch from another store (P1, P15). Without a later pass nothing finds them.
func TestLaterPassesFindDamage(t *testing.T) {
	const period, hours = 7 * time.Minute, 7
	for _, later := range []bool{true, false} {
		racetest.Bubble(t, func(t *testing.T) {
			w := newWorld("a", "b")
			j := &worn{newMemory(), map[flow.Dot]bool{}}
			w.sites["a"].held = store.New(store.Config{}, store.Deps{Journal: j})
			all := w.fill(t, hours, 1, "a", "b")
			cfg := Config{Copies: 2, Quorum: 2}
			if later {
				cfg.ScrubPeriod = period
			}
			r := w.replicas(t, cfg)
			var log bytes.Buffer
			r.scrubber.Log = slog.New(slog.NewTextHandler(&log, nil))
			r.Start()
			time.Sleep(time.Second)
			if got := r.Scrubs(); got.Passes != 1 || got.Slices != hours || got.Damaged+got.Differing != 0 || got.Bytes == 0 {
				t.Errorf("after the start Scrubs = %+v, want a pass without a finding", got)
			}
			j.bad[dot(1)] = true // in each hour
			wrong, of := totals.Totals{Flows: 3}, digest.Of(dot(1))
			if err := j.SetTotals(all[3], wrong.Encode(of.Sum())); err != nil {
				t.Fatal(err)
			}
			time.Sleep(period / 2)
			if got := r.Scrubs().Checked; later && got != hours/2 && got != hours/2+1 {
				t.Errorf("after half of the period %d of %d slices are checked, want half", got, hours)
			}
			time.Sleep(period)
			want := scrub.Stats{}
			if later {
				want = scrub.Stats{Damaged: 1, Differing: 1}
			}
			if got := r.Scrubs(); got.Damaged != want.Damaged || got.Differing != want.Differing {
				t.Errorf("with later passes %t Scrubs = %+v, want as many findings as in %+v", later, got, want)
			}
			if r.Store.AllUnreadable() > 0 || len(j.bad) == 0 != later {
				t.Errorf("with later passes %t: %d batches are unreadable, %d damaged", later, r.Store.AllUnreadable(), len(j.bad))
			}
			if later && !strings.Contains(log.String(), "totals were not the sum of the batches") {
				t.Errorf("the log does not name the totals: %s", &log)
			}
			r.Stop()
		})
	}
}
