package coalesce

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"flowring/flow"
	"flowring/internal/racetest"
	"flowring/internal/trace"
	"flowring/ring/roster"
)

const maxBatches = 64

// gate is a store whose calls end when the test says so.
type gate struct {
	*Coalescer[string]
	mu    sync.Mutex
	calls []string   // the seqs of each call
	end   chan error // ends one call
	acks  []string   // seq and error of each send, as answered
	stop  bool       // no call may start any more
}

func newGate() *gate {
	g := &gate{end: make(chan error)}
	g.Coalescer = New(maxBatches, g.run, g.apply)
	return g
}

var errStopped = errors.New("stopped")

func (g *gate) run(fn func()) error {
	if g.stop {
		return errStopped
	}
	go fn()
	return nil
}

func (g *gate) apply(_ string, w Writes) (roster.Store, error) {
	call := ""
	for _, b := range w.Batches {
		call += fmt.Sprint(b.Dot.Seq, " ")
	}
	g.mu.Lock()
	g.calls = append(g.calls, call)
	g.mu.Unlock()
	return roster.Store{}, <-g.end
}

// send sends batches of an hour with these sequence numbers.
func (g *gate) send(hour flow.Hour, size int, seqs ...uint64) {
	g.sendHours([]flow.Hour{hour}, size, seqs...)
}

// sendHours sends batches of some hours in turn with these sequence numbers.
func (g *gate) sendHours(hours []flow.Hour, size int, seqs ...uint64) {
	var batches []flow.Written
	for i, seq := range seqs {
		b := &flow.Batch{Slice: flow.Slice{Hour: hours[i%len(hours)]}, Dot: flow.Dot{Seq: seq}}
		batches = append(batches, flow.Written{Batch: b, Bytes: make([]byte, size)})
	}
	g.Send("", "", Writes{Batches: batches}, func(_ roster.Store, err error) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.acks = append(g.acks, fmt.Sprint(seqs, err))
	})
	synctest.Wait()
}

// finish ends one call.
func (g *gate) finish(err error) {
	g.end <- err
	synctest.Wait()
}

func (g *gate) expect(t *testing.T, calls, acks []string) {
	t.Helper()
	if !slices.Equal(g.calls, calls) || !slices.Equal(g.acks, acks) {
		t.Errorf("calls %q, acks %q, want %q, %q", g.calls, g.acks, calls, acks)
	}
	g.calls, g.acks = nil, nil
}

func TestWritesDuringACallGoInTheNext(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		g := newGate()
		g.send(1, 1, 1)
		g.send(1, 1, 2, 3)
		g.send(1, 1, 4)
		g.expect(t, []string{"1 "}, nil)
		g.finish(nil)
		g.expect(t, []string{"2 3 4 "}, []string{"[1] <nil>"})
		g.finish(nil)
		g.expect(t, nil, []string{"[2 3] <nil>", "[4] <nil>"})
		g.send(1, 1, 5) // no call is under way
		g.expect(t, []string{"5 "}, nil)
		g.finish(nil)
		if len(g.lanes) > 0 {
			t.Errorf("%d lanes are kept with nothing under way", len(g.lanes))
		}
	})
}

// An hour that must be loaded first delays no other hour, and a write of several hours delays no other write.
func TestHoursDoNotWaitForEachOther(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		g := newGate()
		g.send(1, 1, 1)
		g.send(2, 1, 2)
		g.expect(t, []string{"1 ", "2 "}, nil)
		both := []flow.Written{{Batch: &flow.Batch{Slice: flow.Slice{Hour: 1}}}, {Batch: &flow.Batch{Slice: flow.Slice{Hour: 2}}}}
		g.Send("", "", Writes{Batches: both}, func(roster.Store, error) {})
		synctest.Wait()
		g.expect(t, []string{"0 0 "}, nil)
		for range 3 {
			g.finish(nil)
		}
	})
}

// Around a full hour most senders write to two hours. Their writes share calls, and delay no writes of other hours.
func TestWritesOfTheSameTwoHoursShareACall(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		g := newGate()
		both, reverse := []flow.Hour{1, 2}, []flow.Hour{2, 1}
		g.sendHours(both, 1, 1, 2)
		g.sendHours(both, 1, 3, 4)
		g.sendHours(reverse, 1, 5, 6)
		g.expect(t, []string{"1 2 "}, nil)
		g.send(1, 1, 7)
		g.sendHours([]flow.Hour{1, 3}, 1, 8, 9)
		g.sendHours([]flow.Hour{1, 2, 3}, 1, 10, 11, 12)
		g.sendHours([]flow.Hour{1, 2, 3}, 1, 13, 14, 15)
		g.expect(t, []string{"7 ", "8 9 ", "10 11 12 ", "13 14 15 "}, nil)
		for range 5 {
			g.finish(nil)
		}
		if !slices.Equal(g.calls, []string{"3 4 5 6 "}) {
			t.Errorf("then calls %q, want one of both writes", g.calls)
		}
		g.finish(nil)
	})
}

// A full call does not wait, so that large writes are stored in parallel.
func TestAFullCallStartsImmediately(t *testing.T) {
	for _, tt := range []struct {
		name string
		fill func(g *gate)
		want string
	}{
		{"bytes", func(g *gate) { g.send(1, maxBytes-10, 2); g.send(1, 10, 3); g.send(1, 1, 4) }, "2 3 "},
		{"batches", func(g *gate) { g.send(1, 1, make([]uint64, maxBatches)...); g.send(1, 1, 4) }, strings.Repeat("0 ", maxBatches)},
	} {
		racetest.Bubble(t, func(t *testing.T) {
			g := newGate()
			g.send(1, 1, 1)
			tt.fill(g)
			g.expect(t, []string{"1 ", tt.want}, nil)
			g.finish(nil)
			g.finish(nil)
			g.finish(nil)
			if !slices.Equal(g.calls, []string{"4 "}) {
				t.Errorf("%s: then calls %q, want 4", tt.name, g.calls)
			}
		})
	}
}

// After a call with many batches the next one waits for more, unless it is full or the call took long.
func TestLargeCallsKeepADistance(t *testing.T) {
	many := make([]uint64, busyBatches)
	for _, tt := range []struct {
		name  string
		first []uint64
		took  time.Duration // by the first call
		then  int           // writes sent after it has ended
		wait  time.Duration // from then to the next call
	}{
		{"few", many[:busyBatches-1], time.Millisecond, 1, 0},
		{"many", many, time.Millisecond, 1, minSpacing - time.Millisecond},
		{"many on a slow disk", many, minSpacing, 1, 0},
		{"many, and a full call behind them", many, 0, maxBatches + 1, 0},
	} {
		racetest.Bubble(t, func(t *testing.T) {
			g := newGate()
			g.send(1, 1, tt.first...)
			time.Sleep(tt.took)
			g.finish(nil)
			g.calls, g.acks = nil, nil
			ended := time.Now()
			for range tt.then {
				g.send(1, 1, 1)
			}
			for len(g.calls) == 0 && time.Since(ended) < time.Second {
				time.Sleep(minSpacing / 20)
				synctest.Wait()
			}
			if got := time.Since(ended).Truncate(minSpacing / 10); got != tt.wait {
				t.Errorf("%s: the next call began after %v, want %v", tt.name, got, tt.wait)
			}
			for len(g.lanes) > 0 || len(g.calls) > 0 {
				g.calls = nil
				g.finish(nil)
				time.Sleep(minSpacing)
				synctest.Wait()
			}
		})
	}
}

// The writers of a call that has ended share the next call with the writes that wait, if they come back soon.
func TestACallWaitsForTheWritersOfTheLastCall(t *testing.T) {
	for _, tt := range []struct {
		name    string
		waiting int           // writes that wait at the end of the first call, which has one
		back    int           // writes that come 100 us later
		took    time.Duration // by the first call
		wait    time.Duration // from its end to the next call
		want    int           // writes in the next call
	}{
		{"a lone writer", 0, 1, time.Millisecond, 100 * time.Microsecond, 1},
		{"all come back", 2, 1, time.Millisecond, 100 * time.Microsecond, 3},
		{"none comes back", 2, 0, time.Second, gatherMost, 2},
		{"none comes back after a short call", 2, 0, gatherMost / 10, gatherMost / 10 * gatherShare, 2},
	} {
		racetest.Bubble(t, func(t *testing.T) {
			g := newGate()
			g.send(1, 1, 1)
			for range tt.waiting {
				g.send(1, 1, 2)
			}
			time.Sleep(tt.took)
			g.finish(nil)
			g.calls, g.acks = nil, nil
			ended := time.Now()
			time.Sleep(100 * time.Microsecond)
			for range tt.back {
				g.send(1, 1, 2)
			}
			for len(g.calls) == 0 && time.Since(ended) < time.Second {
				time.Sleep(10 * time.Microsecond)
				synctest.Wait()
			}
			if got := time.Since(ended).Truncate(100 * time.Microsecond); got != tt.wait {
				t.Errorf("%s: the next call began after %v, want %v", tt.name, got, tt.wait)
			}
			g.expect(t, []string{strings.Repeat("2 ", tt.want)}, nil)
			g.finish(nil)
			time.Sleep(gatherMost)
			synctest.Wait()
			if len(g.lanes) > 0 {
				t.Errorf("%s: %d lanes are kept with nothing under way", tt.name, len(g.lanes))
			}
		})
	}
}

// Writes that wait for a call that fails fail with it, because their callers try another store. Later writes start a new call.
func TestWritesThatWaitForACallFailWithIt(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		g := newGate()
		broken := errors.New("broken")
		g.send(1, 1, 1)
		g.send(1, 1, 2)
		g.finish(broken)
		g.expect(t, []string{"1 "}, []string{"[1] broken", "[2] broken"})
		g.send(1, 1, 3)
		g.expect(t, []string{"3 "}, nil)
		g.finish(nil)
	})
}

func TestNoCallStartsAfterAStop(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		g := newGate()
		g.stop = true
		g.send(1, 1, 1)
		g.send(1, 1, 2)
		g.expect(t, nil, []string{"[1] stopped", "[2] stopped"})
	})
}

// A call that gathers writes works for the requests of all of them.
func TestACallHasTheRequestsOfItsWrites(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		calls := make(chan trace.IDs)
		c := New(maxBatches, func(fn func()) error { go fn(); return nil },
			func(_ string, w Writes) (roster.Store, error) { calls <- w.Requests; return roster.Store{}, nil })
		send := func(id byte) {
			w := Writes{Batches: []flow.Written{{Batch: &flow.Batch{}}}}
			if id > 0 {
				w.Requests = trace.All(trace.With(t.Context(), trace.ID{id}))
			}
			c.Send("", "", w, func(roster.Store, error) {})
			synctest.Wait()
		}
		for _, id := range []byte{1, 2, 0, 3} { // a repair is for no request
			send(id)
		}
		for _, want := range []string{trace.ID{1}.String(), trace.ID{2}.String() + "," + trace.ID{3}.String()} {
			if got := (<-calls).String(); got != want {
				t.Errorf("a call has the requests %q, want %q", got, want)
			}
		}
	})
}
