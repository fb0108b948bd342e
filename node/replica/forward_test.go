package replica

import (
	"context"
	"errors"
	"fmt"
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

// door remembers that it was closed.
type door struct {
	addr   string
	closed bool
}

func (d *door) Close() error { d.closed = true; return nil }

func TestForwardTriesTheCandidatesInOrder(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fail  map[string]error
		want  string // the address with an answer; "": none
		asked []string
	}{
		{"the owner answers", nil, "b", []string{"b"}},
		{"the next does", map[string]error{"b": errBroken}, "c", []string{"b", "c"}},
		{"the node itself is asked without the network", map[string]error{"b": errBroken, "c": errRefused}, "here", []string{"b", "c", "here"}},
		{"no store answers", map[string]error{"b": errBroken, "c": errBroken, "here": errBroken}, "", []string{"b", "c", "here"}},
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
				if !errors.As(err, &unavailable) || show(unavailable.Stores) != "[a b c]" || !errors.Is(err, errBroken) {
					t.Errorf("Forward = %v, want an error", err)
				}
			} else if err != nil || got.(*door).addr != tt.want {
				t.Errorf("Forward = %v, %v, want %s", got, err, tt.want)
			}
		})
	}
}

// Forward asks the next store beside a silent one. It closes late answers; the first answer lives as long as the
// request.
func TestForwardClosesLateAnswers(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		w := newWorld("a", "b", "c")
		r := w.replicas(t, Config{Copies: 1, Quorum: 1, DigestWait: time.Second, HedgeAfter: 100 * time.Millisecond})
		w.sites["b"].hang = true
		slow, fast := &door{addr: "b"}, &door{addr: "c"}
		var lives context.Context
		begun := time.Now()
		got, err := r.Forward(t.Context(), w.sliceOf(t, "b", "c"), func(ctx context.Context, addr string) (io.Closer, error) {
			if addr == "b" {
				<-ctx.Done() // it answers although it is cancelled
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

// All attempts of a request end with Stop, also those after the end of the request (P18).
func TestStopWaitsForEveryAttempt(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		w := newWorld("a", "b", "c")
		r := w.replicas(t, Config{Copies: 1, Quorum: 1})
		s := w.sliceOf(t, "b", "c", "a")
		b := batchOf(t, s, dot(1), 1)
		var begun, ended atomic.Int32
		linger := func(ctx context.Context) error { // an attempt notices its end after a while
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

// Forward asks the next store beside a silent one only while silent stores are few. If all stores were slow, every
// copy would be read for each GET.
func TestForwardHedgesFewAnswers(t *testing.T) {
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

// Forward waits for a store that gives signs of life while it loads a large hour. No other store loads the hour too.
func TestForwardWaitsForAWorkingStore(t *testing.T) {
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

// Forward does not wait for silent stores, however long the reader would wait.
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
		if want := "no store of the hour answered (no answer from a, b, c)"; fmt.Sprint(err) != want {
			t.Errorf("Forward = %v, want %s", err, want)
		}
	})
}

// A GET has 4 s. The times of slow stores that cannot reach enough others do not add up.
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
