package replica

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/internal/racetest"
	"flowring/store/digest"
)

// A reader uses a round only if that began after the reader arrived (P4); readers who arrive during one share the next.
func TestReadersShareARoundThatBeganAfterThem(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		var r rounds
		r.init(func(fn func()) bool { go fn(); return true })
		s := flow.Slice{Hour: 1}
		begun := []time.Time{}
		ask := func(Known) (*finding, error) {
			begun = append(begun, time.Now())
			time.Sleep(10 * time.Millisecond)
			return &finding{Level: contract.Completeness(len(begun))}, nil
		}
		read := func(after time.Duration) {
			time.Sleep(after)
			arrived := time.Now()
			f, err := r.join(t.Context(), s, nil, ask)
			if err != nil {
				t.Error(err)
				return
			}
			if began := begun[int(f.Level)-1]; began.Before(arrived) {
				t.Errorf("a reader that arrived after %v got a round that began %v before", after, arrived.Sub(began))
			}
		}
		for _, after := range []time.Duration{0, 1, 2, 3, 9, 11, 12, 45} {
			go read(after * time.Millisecond)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		// 0; those of 1 to 9 at 10; those of 11 and 12 at 20; 45.
		if len(begun) != 4 {
			t.Errorf("%d rounds for eight readers, want 4", len(begun))
		}
		if len(r.running)+len(r.waiting) != 0 {
			t.Errorf("%d rounds run and %d wait after the last reader, want none", len(r.running), len(r.waiting))
		}
	})
}

func TestRoundsOfDifferentSlicesDoNotWaitForEachOther(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		var r rounds
		r.init(func(fn func()) bool { go fn(); return true })
		begun := time.Now()
		for hour := range flow.Hour(5) {
			go r.join(t.Context(), flow.Slice{Hour: hour}, nil, func(Known) (*finding, error) {
				time.Sleep(time.Second)
				return nil, nil
			})
		}
		synctest.Wait()
		_, err := r.join(t.Context(), flow.Slice{Hour: 9}, nil, func(Known) (*finding, error) { return nil, nil })
		if err != nil || time.Since(begun) != 0 {
			t.Errorf("a round of another slice took %v, %v, want no time", time.Since(begun), err)
		}
		time.Sleep(2 * time.Second)
	})
}

// A reader that gives up leaves the round to the others; an error is that of all who share it, and not of the next round.
func TestRoundsOutliveTheirReaders(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		var r rounds
		r.init(func(fn func()) bool { go fn(); return true })
		s, bad := flow.Slice{Hour: 1}, errors.New("bad")
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := r.join(ctx, s, nil, func(Known) (*finding, error) { time.Sleep(time.Second); return nil, bad })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("join = %v, want out of time", err)
		}
		f, err := r.join(t.Context(), s, nil, func(Known) (*finding, error) { return &finding{Level: contract.Complete}, nil })
		if err != nil || f.Level != contract.Complete {
			t.Errorf("the next round = %v, %v, want its own finding", f, err)
		}
		if _, err := r.join(t.Context(), s, nil, func(Known) (*finding, error) { return nil, bad }); !errors.Is(err, bad) {
			t.Errorf("join = %v, want %v", err, bad)
		}
	})
}

func TestPacerKeepsToItsRate(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		var p pacer
		begun := time.Now()
		for range 1000 {
			if err := p.wait(t.Context(), 1000, 100_000); err != nil {
				t.Fatal(err)
			}
		}
		if got := time.Since(begun); got != 10*time.Second {
			t.Errorf("1 MB at 100 kB/s took %v, want 10s", got)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun = time.Now()
		if err := p.wait(ctx, 1<<30, 1); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != time.Second {
			t.Errorf("wait = %v after %v, want to end with its context", err, time.Since(begun))
		}
	})
}

func TestBudgetBoundsExtraWork(t *testing.T) {
	b := newBudget(0.05, 10)
	spent := func(regular int) (n int) {
		for range regular {
			b.earn()
			if b.spend() {
				n++
			}
		}
		return n
	}
	if n := spent(10_000); n < 500 || n > 511 {
		t.Errorf("%d extra pieces for 10,000 regular ones, want 5 in 100 and the 10 to begin with", n)
	}
	for range 1_000_000 {
		b.earn()
	}
	n := 0
	for b.spend() {
		n++
	}
	if n != 10 {
		t.Errorf("%d extra pieces after a long time without any, want at most 10", n)
	}
}

// What a round may leave out is what all who share it know.
func TestARoundKnowsWhatAllItsReadersKnow(t *testing.T) {
	one, none := digest.Of(dot(1)), digest.Digest{}
	for _, tt := range []struct {
		name  string
		known []Known
		want  bool
	}{
		{"one who knows", []Known{one.Equal}, true},
		{"two who know", []Known{one.Equal, one.Equal}, true},
		{"one who knows, one who knows another", []Known{one.Equal, none.Equal}, false},
		{"one who knows, one who knows nothing", []Known{one.Equal, nil}, false},
	} {
		if got := (&round{known: tt.known}).knownToAll(one); got != tt.want {
			t.Errorf("%s: knownToAll = %t, want %t", tt.name, got, tt.want)
		}
	}
}
