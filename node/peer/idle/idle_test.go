package idle

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"flowring/internal/racetest"
)

// The tests of package peer run both sides over a network in virtual time.

func TestACallWithoutProgressEnds(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		stalled := 0
		begun := time.Now()
		ctx, limit := Start(t.Context(), Timeout, func() { stalled++ })
		defer limit.Close()
		r, w := io.Pipe()
		body := limit.RequestBody(r)
		go func() {
			for range 3 {
				time.Sleep(Timeout - time.Second)
				io.WriteString(w, "x")
			}
		}()
		io.ReadFull(body, make([]byte, 3))
		<-ctx.Done()
		if got := time.Since(begun); got != 3*(Timeout-time.Second)+Timeout || stalled != 1 {
			t.Errorf("the call ended after %v and %d stalls, want %v and 1", got, stalled, 3*(Timeout-time.Second)+Timeout)
		}
		if err := Cause(ctx, ctx.Err()); !errors.Is(err, ErrTimeout) {
			t.Errorf("Cause = %v, want %v", err, ErrTimeout)
		}
	})
}

func TestAnAnsweredCallHasNoLimitBetweenReads(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		ctx, limit := Start(t.Context(), Timeout, func() { t.Error("the call stalled") })
		limit.Answered()
		body := limit.AnswerBody(ctx, io.NopCloser(strings.NewReader("ab")))
		time.Sleep(10 * Timeout)
		if n, err := body.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Errorf("Read = %d, %v, want 1, nil", n, err)
		}
		time.Sleep(10 * Timeout)
		if ctx.Err() != nil {
			t.Error("the call ended between two reads")
		}
		body.Close()
		if err := Cause(ctx, ctx.Err()); !errors.Is(err, context.Canceled) {
			t.Errorf("Cause after Close = %v, want %v", err, context.Canceled)
		}
	})
}

func TestASlowHandlerSendsSignsOfLife(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		rec := &statuses{ResponseRecorder: httptest.NewRecorder()}
		w := NewAnswerWriter(rec, Timeout, func() { t.Error("a write stalled") })
		time.Sleep(3*signEvery + signEvery/2)
		w.WriteHeader(http.StatusNoContent)
		time.Sleep(10 * signEvery)
		if rec.processing != 3 || rec.Code != http.StatusNoContent {
			t.Errorf("%d signs of life and status %d, want 3 and %d", rec.processing, rec.Code, http.StatusNoContent)
		}
	})
}

// A body that arrives byte by byte is never idle. It is given up after slowFor unless it arrives as fast as leastRate (P16).
func TestASlowBodyIsGivenUp(t *testing.T) {
	for _, tt := range []struct {
		name string
		rate int           // bytes a second
		ends time.Duration // 0: the body arrives as a whole
	}{
		{"a byte a second", 1, slowFor},
		{"half the least rate", leastRate / 2, 19*time.Second + 500*time.Millisecond}, // in the middle of a part
		{"the least rate", leastRate, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				stalled, begun := 0, time.Now()
				conn := &slowConn{ResponseRecorder: httptest.NewRecorder(), rate: tt.rate, left: 200}
				w := NewAnswerWriter(conn, Timeout, func() { stalled++ })
				defer w.Begin()
				_, err := io.CopyBuffer(io.Discard, w.RequestBody(conn), make([]byte, leastRate))
				took, gaveUp := time.Since(begun).Round(100*time.Millisecond), tt.ends > 0
				if errors.Is(err, os.ErrDeadlineExceeded) != gaveUp || (stalled == 1) != gaveUp || gaveUp && took != tt.ends {
					t.Errorf("the body ends after %v with %v and %d stalls, want %v (0: as a whole)", took, err, stalled, tt.ends)
				}
			})
		})
	}
}

// slowConn is a connection on which a part of a body arrives each second.
type slowConn struct {
	*httptest.ResponseRecorder
	rate, left int // bytes of a part, parts
	deadline   time.Time
}

func (c *slowConn) SetReadDeadline(at time.Time) error {
	c.deadline = at
	return nil
}

func (c *slowConn) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, io.EOF
	}
	if left := time.Until(c.deadline); left < time.Second {
		time.Sleep(left)
		return 0, os.ErrDeadlineExceeded
	}
	time.Sleep(time.Second)
	c.left--
	return c.rate, nil
}

func (c *slowConn) Close() error { return nil }

// statuses counts interim responses.
type statuses struct {
	*httptest.ResponseRecorder
	processing int
}

func (s *statuses) WriteHeader(status int) {
	if status == http.StatusProcessing {
		s.processing++
		return
	}
	s.ResponseRecorder.WriteHeader(status)
}
