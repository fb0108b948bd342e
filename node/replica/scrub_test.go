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
	"flowring/store"
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
		r.recovered.Store(false)
		r.scrubbing.Store(true)
		r.recover(t.Context())
		if !r.Recovering() {
			t.Error("recovered within 10 s, before the journal was read")
		}
		time.Sleep(10 * time.Second)
		r.recover(t.Context())
		if r.Recovering() || !strings.Contains(log.String(), `msg="store recovered" journal_read=false`) {
			t.Errorf("log = %s, want that the store has recovered and still reads its journal", &log)
		}
		r.loops.Go(r.scrubLoop)
		time.Sleep(time.Second)
		if r.scrubbing.Load() || !strings.Contains(log.String(), `msg="journal read through" unreadable=0`) {
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
	r.Fail = func(err error) { failed = err }
	if whole := r.scrub(); whole || !errors.Is(failed, store.ErrUnreadable) {
		t.Errorf("scrub = %t, and the node ends with %v, want false and %v", whole, failed, store.ErrUnreadable)
	}
}
