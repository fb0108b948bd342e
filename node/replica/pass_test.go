package replica

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"flowring/flow"
	"flowring/internal/racetest"
)

// fill makes the sites hold n slices of one batch each, and returns the slices in order.
func (w *world) fill(t *testing.T, n, batches int, names ...string) (all []flow.Slice) {
	t.Helper()
	for hour := range flow.Hour(n) {
		s := flow.Slice{Hour: hour}
		all = append(all, s)
		for seq := range uint64(batches) {
			for _, name := range names {
				w.sites[name].put(t, batchOf(t, s, dot(seq+1), 1))
			}
		}
	}
	return all
}

// calls returns the number of calls of one name to a site.
func (s *site) calls(name string) int {
	return len(slices.DeleteFunc(slices.Clone(s.asked), func(asked string) bool { return asked != name }))
}

// A source that vanishes in the middle of a copy costs one timeout. It delays no hour that a good source has too (P8).
func TestAGoodSourceIsNotDelayedByASilentOne(t *testing.T) {
	for _, silent := range []string{"b", "c"} { // the first and the last in order, as IDs are drawn
		racetest.Bubble(t, func(t *testing.T) {
			w := newWorld("a", "b", "c")
			w.fill(t, 1000, 1, "b", "c")
			w.sites[silent].idle = true
			r := w.replicas(t, Config{Copies: 3, Quorum: 2})
			begun := time.Now()
			err := r.Repair(t.Context())
			if took := time.Since(begun); took > 5*time.Second || len(w.sites["a"].held.Slices()) != 1000 {
				t.Errorf("Repair = %v after %v with %d slices, want 1000 within 5 s", err, took, len(w.sites["a"].held.Slices()))
			}
			// The good source may have brought all hours before the silent one was asked for the first.
			if n := w.sites[silent].calls("missing"); n > 1 || (n == 1) != errors.Is(err, errIdle) {
				t.Errorf("the silent source was asked %d times, and Repair = %v, want once at most, with %v", n, err, errIdle)
			}
			if _, behind := r.Progress(); behind != 0 {
				t.Errorf("behind = %d, want 0", behind)
			}
			r.Stop()
		})
	}
}

// A pass leaves a source at its first silent call. It does not leave a source that fails at one hour or refuses a
// call.
func TestSilentSourcesAreLeft(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(s *site)
		call  string
		want  int
	}{
		{"its answers stop", func(s *site) { s.idle = true }, "missing", 1},
		{"its digests do not come", func(s *site) { s.hangs = "digest" }, "digest", 1},
		{"it cannot be dialed", func(s *site) { s.then = func() { s.fail = errRefused } }, "digest", 2},
		{"it breaks off", func(s *site) { s.fails = "missing" }, "missing", 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				w := newWorld("a", "b")
				w.fill(t, 20, 1, "b")
				tt.spoil(w.sites["b"])
				r := w.replicas(t, Config{Copies: 2, Quorum: 2})
				if err := r.Repair(t.Context()); err == nil {
					t.Error("Repair = nil, want an error")
				}
				if got := w.sites["b"].calls(tt.call); got != tt.want {
					t.Errorf("%d calls of %s, want %d", got, tt.call, tt.want)
				}
				r.Stop()
			})
		})
	}
}

// Sources with the same batches share the work: no batch comes twice, and two sources take half the time (P2).
func TestSourcesShareTheWork(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		w := newWorld("a", "b", "c")
		w.fill(t, 100, 3, "b", "c")
		w.sites["b"].slow, w.sites["c"].slow = 10*time.Millisecond, 10*time.Millisecond
		r := w.replicas(t, Config{Copies: 3, Quorum: 2})
		begun := time.Now()
		if err := r.Repair(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took > 1600*time.Millisecond || len(w.sent) != 300 || r.Fetched() != 300 {
			t.Errorf("%d frames, %d fetched, in %v, want 300 in 1.5 s", len(w.sent), r.Fetched(), took)
		}
		for _, from := range []string{"b", "c"} {
			n := 0
			for _, frame := range w.sent {
				if strings.HasPrefix(frame, from+" ") {
					n++
				}
			}
			if n < 100 {
				t.Errorf("%s sent %d of %d frames, want about half", from, n, len(w.sent))
			}
		}
		r.Stop()
	})
}

// A slow source has one hour at a time. A good source does not wait for that hour while it has others.
func TestASlowSourceHoldsOneHour(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		w := newWorld("a", "b", "c")
		w.fill(t, 100, 1, "b", "c")
		w.sites["b"].slow = 3 * time.Second // each frame before the limit
		r := w.replicas(t, Config{Copies: 3, Quorum: 2})
		begun := time.Now()
		err := r.Repair(t.Context())
		if took := time.Since(begun); err != nil || took > 3*time.Second || len(w.sites["a"].held.Slices()) != 100 {
			t.Errorf("Repair = %v after %v with %d slices, want 100 within 3 s", err, took, len(w.sites["a"].held.Slices()))
		}
		r.Stop()
	})
}

// A missing batch counts from the comparison of digests until its arrival, once for all sources, also if a source
// fails half-way.
func TestBehindCountsMissingBatches(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		w := newWorld("a", "b", "c")
		w.fill(t, 10, 5, "b", "c")
		w.sites["b"].slow, w.sites["c"].slow = time.Second, time.Second
		w.sites["b"].cut, w.sites["c"].cut = 2, 2 // frames of an hour, then the answer breaks off
		r := w.replicas(t, Config{Copies: 3, Quorum: 2})
		done := make(chan error)
		go func() { done <- r.Repair(t.Context()) }()
		behind := func() int64 { _, n := r.Progress(); return n }
		synctest.Wait()
		if got := behind(); got != 50 {
			t.Errorf("behind = %d when all digests are compared, want 50", got)
		}
		if err := <-done; err == nil {
			t.Error("Repair = nil, want an error")
		}
		truth := int64(0)
		for hour := range flow.Hour(10) {
			d, err := w.sites["a"].held.Digest(flow.Slice{Hour: hour})
			if err != nil {
				t.Fatal(err)
			}
			truth += 5 - int64(d.Count())
		}
		if got := behind(); got != truth || truth != 10 { // each source brought two of each hour
			t.Errorf("behind = %d after a pass that failed half-way, want %d, of 10", got, truth)
		}
		// The count stays while no source can be asked.
		w.sites["b"].unheard, w.sites["c"].unheard = true, true
		if err := r.Repair(t.Context()); err == nil || behind() != truth {
			t.Errorf("Repair without sources = %v, behind %d, want an error and still %d", err, behind(), truth)
		}
		w.sites["b"].unheard, w.sites["b"].cut = false, 0
		if err := r.Repair(t.Context()); err == nil || behind() != 0 {
			t.Errorf("Repair = %v, behind %d, want an error, for c is silent, and 0", err, behind())
		}
		r.Stop()
	})
}

// A batch is not missing if all stores have answered and none holds it any more.
func TestBehindForgetsBatchesThatNoStoreHolds(t *testing.T) {
	w := newWorld("a", "b")
	s := w.fill(t, 1, 2, "b")[0]
	w.sites["b"].cut = 1
	r := w.replicas(t, Config{Copies: 2, Quorum: 2})
	if err := r.Repair(t.Context()); err == nil {
		t.Error("Repair = nil, want an error")
	}
	if _, behind := r.Progress(); behind != 1 {
		t.Errorf("behind = %d, want 1", behind)
	}
	d, err := w.sites["b"].held.Digest(s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.sites["b"].held.Drop(s, d); err != nil {
		t.Fatal(err)
	}
	if err := r.Repair(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, behind := r.Progress(); behind != 0 {
		t.Errorf("behind = %d, want 0", behind)
	}
}

// Every pass over many hours leaves a silent store out after its first failure: the pass that secures, the one that
// hands over, and the one that seals. The negative control takes no failure for silence: then each hour waits for the
// limit of a call.
func TestPassesOverManyHoursLeaveSilentStores(t *testing.T) {
	const hours = 100
	for _, tt := range []struct {
		name  string
		spoil func(s *site)
		pass  func(ctx context.Context, r *Replicas) error
		calls string
		most  int
	}{
		{"secure", func(s *site) { s.idle = true }, func(ctx context.Context, r *Replicas) error { return r.Secure(ctx, true) }, "give", 1},
		{"secure, without digests", func(s *site) { s.hangs = "digest" },
			func(ctx context.Context, r *Replicas) error { return r.Secure(ctx, true) }, "digest", 1},
		{"hand over", func(s *site) { s.hangs = "digest" }, func(ctx context.Context, r *Replicas) error {
			mine, err := r.Summary()
			r.handOver(ctx, r.Cluster.Ring(), mine)
			return err
		}, "digest", 1},
		{"seal", func(s *site) { s.hangs = "digest" }, func(ctx context.Context, r *Replicas) error { r.Seal(ctx); return nil }, "digest", 1},
	} {
		run := func(t *testing.T, unheard func(error) bool) (took time.Duration, calls int, err error) {
			racetest.Bubble(t, func(t *testing.T) {
				w := newWorld("a", "b", "c", "d")
				w.fill(t, hours, 1, "a")
				tt.spoil(w.sites["b"])
				r := w.replicas(t, Config{Copies: 3, Quorum: 2, SealBatches: 1, SealAfter: 1})
				r.Silent = unheard
				time.Sleep(time.Second)
				begun := time.Now()
				err = tt.pass(t.Context(), r)
				took, calls = time.Since(begun), w.sites["b"].calls(tt.calls)
				r.Stop()
			})
			return took, calls, err
		}
		t.Run(tt.name, func(t *testing.T) {
			if took, calls, err := run(t, unheard); err != nil || calls > tt.most || calls == 0 || took > 5*time.Second {
				t.Errorf("the pass = %v after %v with %d calls to the silent store, want nil within 5 s with %d", err, took, calls, tt.most)
			}
		})
		t.Run(tt.name+", negative control", func(t *testing.T) {
			if took, calls, _ := run(t, func(error) bool { return false }); took < 20*time.Second {
				t.Errorf("the pass took %v with %d calls to the silent store, want more than 20 s", took, calls)
			}
		})
	}
}
