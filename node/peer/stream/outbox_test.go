package stream

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

// slow is a connection whose writes the test ends one by one.
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

// putText adds a text, and returns its round.
func putText(t *testing.T, o *outbox, text string) (mine bool, round uint64) {
	t.Helper()
	mine, err := o.put(t.Context(), len(text), func(dst []byte, r uint64) []byte {
		round = r
		return append(dst, text...)
	})
	if err != nil {
		t.Error(err)
	}
	return mine, round
}

func TestFramesAddedDuringAWriteShareTheNextOne(t *testing.T) {
	conn := newSlow()
	o := &outbox{conn: conn, stall: time.Minute}
	putText(t, o, "one")
	var writer sync.WaitGroup
	writer.Go(o.drain)
	<-conn.begun
	for _, text := range []string{"two ", "three ", "four"} {
		if mine, _ := putText(t, o, text); mine {
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
	if mine, _ := putText(t, o, "five"); !mine {
		t.Error("nobody writes what comes once all is written")
	}
}

func TestAFailedWriteReportsTheFirstUnwrittenRound(t *testing.T) {
	conn := newSlow()
	o := &outbox{conn: conn, stall: time.Minute}
	_, one := putText(t, o, "one")
	var writer sync.WaitGroup
	writer.Go(o.drain)
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

// The outbox is bounded (P12).
func TestPutWaitsForRoomInAFullOutbox(t *testing.T) {
	conn := newSlow()
	o := &outbox{conn: conn, stall: time.Minute}
	putText(t, o, "one")
	var writer sync.WaitGroup
	writer.Go(o.drain)
	<-conn.begun
	if mine, _ := putText(t, o, strings.Repeat("x", maxPending)); mine {
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
		if mine, _ := putText(t, o, "two"); mine {
			o.drain()
		}
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
