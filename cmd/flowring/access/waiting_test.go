//go:build !race

package access

// Time is virtual in a synctest bubble. Bubbles crash under the race detector on Go 1.26 (go.dev/issue/76691).

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWaitingIsReportedAfterASecondAndThenEveryTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stderr strings.Builder
		w := waiting{stderr: &stderr}
		err := w.during(func() error {
			w.attempt("http://n1", nil)
			time.Sleep(2 * time.Second)
			w.attempt("http://n1", fmt.Errorf("dial: %w", errors.New("connection refused")))
			w.attempt("http://n2", nil)
			w.attempt("http://n1", nil)
			time.Sleep(10 * time.Second)
			return errors.New("given up")
		})
		want := "flowring: waiting for http://n1: no answer yet\n" +
			"flowring: waiting for http://n1: connection refused; http://n2: no answer yet\n"
		if err == nil || stderr.String() != want {
			t.Errorf("during() = %v with\n%s, want an error with\n%s", err, &stderr, want)
		}
	})
}

func TestAnAnswerWithinASecondIsNotReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stderr strings.Builder
		w := waiting{stderr: &stderr}
		for range 3 { // each request by itself
			w.during(func() error { time.Sleep(firstNotice - time.Millisecond); return nil })
		}
		if stderr.Len() > 0 {
			t.Errorf("stderr = %q, want nothing", &stderr)
		}
	})
}
