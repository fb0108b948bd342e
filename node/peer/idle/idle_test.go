package idle

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
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
