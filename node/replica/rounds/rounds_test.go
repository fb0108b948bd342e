package rounds

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"flowring/flow"
	"flowring/internal/racetest"
)

// newRounds returns rounds whose readers wish a number, and whose result is one.
func newRounds() *Rounds[int, int] {
	return New[int, int](func(fn func()) error { go fn(); return nil })
}

// A reader uses only a round that began after the reader arrived (P4). The readers that arrive during a round share the next one.
func TestReadersShareARoundThatBeganAfterThem(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		r := newRounds()
		s := flow.Slice{Hour: 1}
		begun := []time.Time{}
		ask := func([]int) (*int, error) {
			begun = append(begun, time.Now())
			time.Sleep(10 * time.Millisecond)
			round := len(begun)
			return &round, nil
		}
		read := func(after time.Duration) {
			time.Sleep(after)
			arrived := time.Now()
			round, err := r.Join(t.Context(), s, 0, ask)
			if err != nil {
				t.Error(err)
				return
			}
			if began := begun[*round-1]; began.Before(arrived) {
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
		r := newRounds()
		begun := time.Now()
		for hour := range flow.Hour(5) {
			go r.Join(t.Context(), flow.Slice{Hour: hour}, 0, func([]int) (*int, error) {
				time.Sleep(time.Second)
				return nil, nil
			})
		}
		synctest.Wait()
		_, err := r.Join(t.Context(), flow.Slice{Hour: 9}, 0, func([]int) (*int, error) { return nil, nil })
		if err != nil || time.Since(begun) != 0 {
			t.Errorf("a round of another slice took %v, %v, want no time", time.Since(begun), err)
		}
		time.Sleep(2 * time.Second)
	})
}

// A round goes on after a reader has given up. All readers of a round get its error, and those of the next round do not.
func TestRoundsOutliveTheirReaders(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		r := newRounds()
		s, bad := flow.Slice{Hour: 1}, errors.New("bad")
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := r.Join(ctx, s, 0, func([]int) (*int, error) { time.Sleep(time.Second); return nil, bad })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Join = %v, want that the time is over", err)
		}
		own := 7
		result, err := r.Join(t.Context(), s, 0, func([]int) (*int, error) { return &own, nil })
		if err != nil || result != &own {
			t.Errorf("the next round = %v, %v, want its own result", result, err)
		}
		if _, err := r.Join(t.Context(), s, 0, func([]int) (*int, error) { return nil, bad }); !errors.Is(err, bad) {
			t.Errorf("Join = %v, want %v", err, bad)
		}
	})
}

// A round gets the wishes of all of its readers.
func TestARoundGetsTheWishesOfAllItsReaders(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		r := newRounds()
		var wishes []string
		for wish := range 4 {
			go r.Join(t.Context(), flow.Slice{}, wish, func(all []int) (*int, error) {
				wishes = append(wishes, fmt.Sprint(all))
				time.Sleep(time.Second)
				return nil, nil
			})
			synctest.Wait()
		}
		time.Sleep(3 * time.Second)
		if !slices.Equal(wishes, []string{"[0]", "[1 2 3]"}) {
			t.Errorf("rounds had the wishes %v, want those of the first reader, then those of the others", wishes)
		}
	})
}
