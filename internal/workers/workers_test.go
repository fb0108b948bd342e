package workers

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"flowring/internal/racetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWaitReturnsAfterTheLastFunction(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := New(ctx)
	var mu sync.Mutex
	ran := 0
	for range 1000 {
		w.Run(func() { mu.Lock(); defer mu.Unlock(); ran++ })
	}
	cancel()
	w.Wait()
	if ran != 1000 {
		t.Errorf("%d of 1000 functions ran", ran)
	}
}

// With a queue, a function that waits for a later one would wait for ever.
func TestEveryFunctionStartsAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := New(ctx)
	defer w.Wait()
	defer cancel()
	later := make(chan struct{})
	var all sync.WaitGroup
	for range 2 * maxIdle {
		all.Add(1)
		w.Run(func() { defer all.Done(); <-later })
	}
	w.Run(func() { close(later) })
	all.Wait()
}

func TestGoroutinesAreReused(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		w := New(ctx)
		defer w.Wait()
		defer cancel()
		for range 3 * maxIdle {
			w.Run(func() {})
		}
		synctest.Wait()
		if n := w.idle.Load(); n < 1 || n > maxIdle {
			t.Errorf("%d goroutines are kept, want some, at most %d", n, maxIdle)
		}
		before := w.idle.Load()
		w.Run(func() {})
		synctest.Wait()
		if n := w.idle.Load(); n != before {
			t.Errorf("%d goroutines are kept once one was used again, want %d", n, before)
		}
	})
}
