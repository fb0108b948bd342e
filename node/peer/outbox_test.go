package peer

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// slow is a connection whose writes are let through one by one.
type slow struct {
	net.Conn // nil
	begun    chan struct{}
	through  chan error

	mu     sync.Mutex
	writes []string
	closed bool
}

func newSlow() *slow { return &slow{begun: make(chan struct{}), through: make(chan error)} }

func (s *slow) SetWriteDeadline(time.Time) error { return nil }

func (s *slow) Write(p []byte) (int, error) {
	s.begun <- struct{}{}
	err := <-s.through
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes = append(s.writes, string(p))
	return len(p), err
}

func (s *slow) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// putText puts a text in, and returns the round it belongs to.
func putText(t *testing.T, o *outbox, text string) (turn []byte, round uint64) {
	t.Helper()
	turn, err := o.put(t.Context(), len(text), func(dst []byte, r uint64) []byte {
		round = r
		return append(dst, text...)
	})
	if err != nil {
		t.Error(err)
	}
	return turn, round
}

func TestWhatComesDuringAWriteGoesOutTogether(t *testing.T) {
	conn := newSlow()
	o := &outbox{conn: conn, stall: time.Minute}
	turn, _ := putText(t, o, "one")
	var writer sync.WaitGroup
	writer.Go(func() { o.drain(turn) })
	<-conn.begun
	for _, text := range []string{"two ", "three ", "four"} {
		if turn, _ := putText(t, o, text); turn != nil {
			t.Errorf("%q is to be written while another write is under way", text)
		}
	}
	conn.through <- nil
	<-conn.begun
	conn.through <- nil
	writer.Wait()
	if want := []string{"one", "two three four"}; !slices.Equal(conn.writes, want) {
		t.Errorf("writes %q, want %q", conn.writes, want)
	}
	if turn, _ := putText(t, o, "five"); string(turn) != "five" {
		t.Errorf("once all is written, %q is to be written, want five", turn)
	}
}

func TestAFailedWriteTellsWhatWasNotBegun(t *testing.T) {
	conn := newSlow()
	o := &outbox{conn: conn, stall: time.Minute}
	turn, one := putText(t, o, "one")
	var writer sync.WaitGroup
	writer.Go(func() { o.drain(turn) })
	<-conn.begun
	_, two := putText(t, o, "two")
	broken := errors.New("broken")
	conn.through <- broken
	writer.Wait()
	if unwritten := o.fail(errClosed); one >= unwritten || two < unwritten {
		t.Errorf("writes from %d on were not begun; %d was, %d was not", unwritten, one, two)
	}
	if _, err := o.put(t.Context(), 1, nil); err != broken || !conn.closed {
		t.Errorf("put = %v, closed %t, want %v and closed", err, conn.closed, broken)
	}
}

// What waits is bounded: who finds it full waits, as long as it has time (P12).
func TestAFullOutboxIsWaitedFor(t *testing.T) {
	conn := newSlow()
	o := &outbox{conn: conn, stall: time.Minute}
	turn, _ := putText(t, o, "one")
	var writer sync.WaitGroup
	writer.Go(func() { o.drain(turn) })
	<-conn.begun
	if turn, _ := putText(t, o, strings.Repeat("x", maxPending)); turn != nil {
		t.Error("a second writer")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := o.put(ctx, 1, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("put into a full outbox = %v, want no room in time", err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		turn, _ := putText(t, o, "two")
		o.drain(turn)
	}()
	conn.through <- nil
	for range maxPending/writeStep + 1 {
		<-conn.begun
		conn.through <- nil
	}
	<-done
	writer.Wait()
	if got := conn.writes[len(conn.writes)-1]; got != "two" {
		t.Errorf("the last write is %.10q, want two", got)
	}
}
