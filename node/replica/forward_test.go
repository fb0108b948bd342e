package replica

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/internal/racetest"
	"flowring/node/replica/candidates"
	"flowring/node/replica/pace"
	"flowring/store/digest"
)

// wrongSlice answers Missing with one fixed batch.
type wrongSlice struct {
	Peers
	batch []byte
}

func (p wrongSlice) Missing(_ context.Context, _ string, _ flow.Slice, _ digest.Digest, fn func([]byte) error) error {
	return fn(p.batch)
}

// door is something to close that remembers it.
type door struct {
	addr   string
	closed bool
}

func (d *door) Close() error { d.closed = true; return nil }

func TestForwardGoesDownTheList(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fail  map[string]error
		want  string // address that answers; "": none does
		asked []string
	}{
		{"the owner answers", nil, "b", []string{"b"}},
		{"the next does", map[string]error{"b": errBroken}, "c", []string{"b", "c"}},
		{"the node itself is asked without the network", map[string]error{"b": errBroken, "c": errRefused}, "here", []string{"b", "c", "here"}},
		{"nobody does", map[string]error{"b": errBroken, "c": errBroken, "here": errBroken}, "", []string{"b", "c", "here"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld("a", "b", "c")
			r := w.replicas(t, Config{Copies: 1, Quorum: 1})
			var asked []string
			got, err := r.Forward(t.Context(), w.sliceOf(t, "b", "c", "a"), func(_ context.Context, addr string) (io.Closer, error) {
				if addr == "" {
					addr = "here"
				}
				asked = append(asked, addr)
				if err := tt.fail[addr]; err != nil {
					return nil, err
				}
				return &door{addr: addr}, nil
			})
			if !slices.Equal(asked, tt.asked) {
				t.Errorf("asked %v, want %v", asked, tt.asked)
			}
			var unavailable *contract.UnavailableError
			if tt.want == "" {
				if !errors.As(err, &unavailable) || show(unavailable.Stores) != "[b c a]" || !errors.Is(err, errBroken) {
					t.Errorf("Forward = %v, want nobody", err)
				}
			} else if err != nil || got.(*door).addr != tt.want {
				t.Errorf("Forward = %v, %v, want %s", got, err, tt.want)
			}
		})
	}
}

// The next is asked when one is silent; what loses the race is closed, what wins it lives as long as the request.
func TestForwardClosesWhatLoses(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		w := newWorld("a", "b", "c")
		r := w.replicas(t, Config{Copies: 1, Quorum: 1, DigestWait: time.Second, HedgeAfter: 100 * time.Millisecond})
		w.sites["b"].hang = true
		slow, fast := &door{addr: "b"}, &door{addr: "c"}
		var lives context.Context
		begun := time.Now()
		got, err := r.Forward(t.Context(), w.sliceOf(t, "b", "c"), func(ctx context.Context, addr string) (io.Closer, error) {
			if addr == "b" {
				<-ctx.Done() // cancelled, and yet it answers
				return slow, nil
			}
			lives = ctx
			return fast, nil
		})
		if err != nil || got != fast || time.Since(begun) != 600*time.Millisecond {
			t.Errorf("Forward = %v, %v after %v, want c after 0.6s", got, err, time.Since(begun))
		}
		synctest.Wait()
		if !slow.closed || fast.closed || lives.Err() != nil {
			t.Errorf("the loser is closed: %t, the winner: %t, cancelled: %v, want true, false, nil",
				slow.closed, fast.closed, lives.Err())
		}
	})
}

func TestForwardEndsWithTheRequest(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		w := newWorld("a", "b", "c")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r := w.replicas(t, Config{Copies: 1, Quorum: 1})
		_, err := r.Forward(ctx, w.sliceOf(t, "b"), func(ctx context.Context, _ string) (io.Closer, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		var unavailable *contract.UnavailableError
		if !errors.As(err, &unavailable) {
			t.Errorf("Forward = %v, want unavailable", err)
		}
	})
}

// Whatever a request began ends with Stop, also what the request itself no longer waits for (P18).
func TestStopWaitsForEveryAttempt(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		w := newWorld("a", "b", "c")
		r := w.replicas(t, Config{Copies: 1, Quorum: 1})
		s := w.sliceOf(t, "b", "c", "a")
		b := batchOf(t, s, dot(1), 1)
		var begun, ended atomic.Int32
		linger := func(ctx context.Context) error { // an attempt that takes a while to notice its end
			begun.Add(1)
			<-ctx.Done()
			time.Sleep(time.Second)
			ended.Add(1)
			return ctx.Err()
		}
		open := func(ctx context.Context, _ string) (io.Closer, error) { return nil, linger(ctx) }
		do := func(ctx context.Context, _ candidates.Candidate, _ []flow.Written) (bool, error) {
			return false, linger(ctx)
		}
		within := func() context.Context {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			t.Cleanup(cancel)
			return ctx
		}
		calls := map[string]func(ctx context.Context) error{
			"Forward": func(ctx context.Context) error { _, err := r.Forward(ctx, s, open); return err },
			"a write": func(ctx context.Context) error { _, err := r.withFailover(ctx, written(b)[0], do, 0); return err },
		}
		for name, call := range calls {
			if err := call(within()); err == nil {
				t.Errorf("%s = nil, want an error", name)
			}
			go call(within()) // under way when the node stops
		}
		synctest.Wait()
		r.Stop()
		if begun.Load() < 4 || begun.Load() != ended.Load() {
			t.Errorf("%d attempts were begun and %d had ended when Stop returned, want all", begun.Load(), ended.Load())
		}
		for name, call := range calls {
			if err := call(within()); !errors.Is(err, errStopped) {
				t.Errorf("%s after Stop = %v, want %v", name, err, errStopped)
			}
		}
	})
}

// A silent store is doubled by the next one only while such are few: where all are slow, each copy would be read each time.
func TestForwardDoublesFewAnswers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		budget *pace.Budget
		want   int // stores that are asked
	}{{"few were silent", pace.NewBudget(0, 10), 2}, {"all were", pace.NewBudget(0, 0), 1}} {
		racetest.Bubble(t, func(t *testing.T) {
			w := newWorld("a", "b")
			w.sites["b"].hang = true
			r := w.replicas(t, Config{Copies: 2, Quorum: 1})
			r.hedges = tt.budget
			var asked atomic.Int32
			open := func(context.Context, string) (io.Closer, error) {
				asked.Add(1)
				time.Sleep(2 * time.Second)
				return &door{}, nil
			}
			if _, err := r.Forward(t.Context(), w.sliceOf(t, "b", "a"), open); err != nil {
				t.Fatal(err)
			}
			if got := int(asked.Load()); got != tt.want {
				t.Errorf("%s: %d stores were asked, want %d", tt.name, got, tt.want)
			}
			time.Sleep(3 * time.Second)
		})
	}
}

// A store that gives a sign of life while it loads a large hour is waited for: no other one has to load it too, and the answer is no error.
func TestForwardWaitsForAStoreThatIsAtWork(t *testing.T) {
	for _, owner := range []string{"a", "b"} {
		racetest.Bubble(t, func(t *testing.T) {
			w := newWorld("a", "b")
			r := w.replicas(t, Config{Copies: 2, Quorum: 1})
			var asked atomic.Int32
			open := func(context.Context, string) (io.Closer, error) {
				asked.Add(1)
				time.Sleep(20 * time.Second)
				return &door{}, nil
			}
			other := map[string]string{"a": "b", "b": "a"}[owner]
			if _, err := r.Forward(t.Context(), w.sliceOf(t, owner, other), open); err != nil || asked.Load() != 1 {
				t.Errorf("Forward to %s = %v with %d stores asked, want nil with 1", owner, err, asked.Load())
			}
		})
	}
}

// Who is asked and then falls silent is not waited for, whatever the reader would.
func TestForwardGivesUpWhenAllAreSilent(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		w := newWorld("a", "b", "c")
		r := w.replicas(t, Config{Copies: 2, Quorum: 1})
		w.sites["b"].hang, w.sites["c"].hang = true, true
		begun := time.Now()
		_, err := r.Forward(t.Context(), w.sliceOf(t, "b", "c", "a"), func(ctx context.Context, addr string) (io.Closer, error) {
			if addr == "" {
				return nil, errBroken
			}
			<-ctx.Done()
			return nil, ctx.Err()
		})
		if took := time.Since(begun); !errors.Is(err, errSilent) || took != 3900*time.Millisecond {
			t.Errorf("Forward = %v after %v, want %v after 3.9s", err, took, errSilent)
		}
	})
}

// A GET has 4 s: stores that take their time and then say that they cannot reach enough others do not add it up.
func TestForwardGivesUpWhenSlowStoresReachTooFew(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		w := newWorld("a", "b", "c")
		r := w.replicas(t, Config{Copies: 2, Quorum: 1})
		begun := time.Now()
		_, err := r.Forward(t.Context(), w.sliceOf(t, "b", "c", "a"), func(context.Context, string) (io.Closer, error) {
			time.Sleep(2500 * time.Millisecond)
			return nil, &contract.UnavailableError{Reason: "too few"}
		})
		var unavailable *contract.UnavailableError
		if took := time.Since(begun); !errors.As(err, &unavailable) || unavailable.Reason != "too few" || took != 3900*time.Millisecond {
			t.Errorf("Forward = %v after %v, want too few after 3.9s", err, took)
		}
	})
}
