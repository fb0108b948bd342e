package pace

import (
	"context"
	"errors"
	"testing"
	"time"

	"flowring/internal/racetest"
)

func TestPacerKeepsToItsRate(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		var p Pacer
		begun := time.Now()
		for range 1000 {
			if err := p.Wait(t.Context(), 1000, 100_000); err != nil {
				t.Fatal(err)
			}
		}
		if got := time.Since(begun); got != 10*time.Second {
			t.Errorf("1 MB at 100 kB/s took %v, want 10s", got)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun = time.Now()
		if err := p.Wait(ctx, 1<<30, 1); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != time.Second {
			t.Errorf("Wait = %v after %v, want to end with its context", err, time.Since(begun))
		}
	})
}

func TestBudgetBoundsExtraWork(t *testing.T) {
	b := NewBudget(0.05, 10)
	spent := func(regular int) (n int) {
		for range regular {
			b.Earn()
			if b.Spend() {
				n++
			}
		}
		return n
	}
	if n := spent(10_000); n < 500 || n > 511 {
		t.Errorf("%d extra pieces for 10,000 regular ones, want 5 in 100 and the 10 to begin with", n)
	}
	for range 1_000_000 {
		b.Earn()
	}
	n := 0
	for b.Spend() {
		n++
	}
	if n != 10 {
		t.Errorf("%d extra pieces after a long time without any, want at most 10", n)
	}
}

// The goroutines that use one pacer share its rate.
func TestGoroutinesShareARate(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		var p Pacer
		const rate, users, each = 1000, 4, 100
		begun := time.Now()
		done := make(chan error)
		for range users {
			go func() {
				var err error
				for range each {
					err = errors.Join(err, p.Wait(t.Context(), 10, rate))
				}
				done <- err
			}()
		}
		for range users {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(begun); took != 4*time.Second {
			t.Errorf("4000 bytes at 1000/s took %v, want 4 s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.Wait(ctx, 10_000, rate); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Wait beyond its context = %v", err)
		}
	})
}

// Pieces of work spread over a period, and long ones take one part in a hundred of the time.
func TestAShareOfTheTime(t *testing.T) {
	for _, test := range []struct{ work, want time.Duration }{
		{0, 10 * time.Hour}, {time.Second, 10 * time.Hour}, {time.Minute, 10 * 100 * time.Minute},
	} {
		racetest.Bubble(t, func(t *testing.T) {
			s, begun := Share{Parts: 100, Period: 10 * time.Hour, N: 10}, time.Now()
			for range 10 {
				s.Begin()
				time.Sleep(test.work)
				if err := s.Rest(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if got := time.Since(begun); got != test.want {
				t.Errorf("10 pieces of %v take %v, want %v", test.work, got, test.want)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := Share{Parts: 100, Period: time.Hour, N: 1}
	s.Begin()
	if err := s.Rest(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Rest beyond its context = %v", err)
	}
}
