package router

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"flowring/flow"
	"flowring/flow/csv"
	"flowring/internal/browser"
	"flowring/router/admission"
)

// everyError has an error for each row of the table, in its order.
var everyError = []struct {
	err    error
	name   string
	status int
}{
	{&flow.RecordError{Index: -1, Line: 1, Field: "hour", Reason: "r", CSV: true}, "csv", 400},
	{&flow.RecordError{Index: -1, Reason: "r"}, "json", 400},
	{&flow.RecordError{Index: 3, Field: "hour", Reason: "r"}, "record", 400},
	{&hoursError{hours: 3, most: 2}, "hours-in-request", 400},
	{&keyError{"is odd"}, "idempotency-key", 400},
	{&bodyError{io.ErrNoProgress}, "body", 400},
	{&queryError{"q"}, "query", 400},
	{browser.ErrCrossOrigin, "cross-origin", 403},
	{errNotFound, "not-found", 404},
	{&methodError{"PUT", "GET"}, "method", 405},
	{errSlowBody, "slow-body", 408},
	{ErrOverflow, "overflow", 409},
	{ErrTooManyFlows, "too-many-flows", 409},
	{ErrTooManyNames, "too-many-names", 409},
	{ErrTooManyHours, "too-many-hours", 409},
	{&tooLargeError{"the body", 9}, "too-large", 413},
	{csv.ErrTooManyRecords, "too-large", 413},
	{&mediaError{"text/xml"}, "media-type", 415},
	{&codingError{"br"}, "content-encoding", 415},
	{&browser.HostError{Host: "evil.example"}, "host", 421},
	{ErrKeyReused, "key-reused", 422},
	{&UnavailableError{Reason: "r"}, "unavailable", 503},
	{context.DeadlineExceeded, "timeout", 503},
	{admission.ErrOverloaded, "overloaded", 503},
	{errHTTP2, "http-version", 505},
	{errors.New("secret"), "internal", 500},
}

func TestEveryErrorHasItsAnswer(t *testing.T) {
	var covered []string
	for _, tt := range everyError {
		wrapped := fmt.Errorf("post flows: %w", tt.err)
		if p := problemOf(wrapped); p.Type != "/problems/"+tt.name || p.Status != tt.status {
			t.Errorf("problemOf(%v) = %s %d, want %s %d", wrapped, p.Type, p.Status, tt.name, tt.status)
		}
		covered = append(covered, tt.name)
	}
	for _, a := range answers {
		if !slices.Contains(covered, a.name) || a.title == "" || a.advice == "" {
			t.Errorf("row %q has no error here, no title or no advice", a.name)
		}
	}
	if slices.Sort(covered); len(slices.Compact(covered)) != len(answers) {
		t.Errorf("%d names for %d rows, want each name once", len(slices.Compact(covered)), len(answers))
	}
}

func TestOverflowWithinOneRequestIsAnsweredLikeAnyOther(t *testing.T) {
	p := problemOf(fmt.Errorf("hour 3: %w", flow.ErrOverflow))
	if p.Status != 409 || p.Detail != "hour 3: "+flow.ErrOverflow.Error() {
		t.Errorf("problem = %+v, want 409 with its text", p)
	}
}

func TestWhatIsForTheLogIsNotInTheAnswer(t *testing.T) {
	for _, err := range []error{
		errors.New("dial 10.0.0.9: refused"),
		fmt.Errorf("replicate to 10.0.0.9: %w", context.DeadlineExceeded),
		fmt.Errorf("ask 10.0.0.9: %w", ErrKeyReused),
		fmt.Errorf("10.0.0.9: %w", &UnavailableError{Reason: "too few", Err: errors.New("dial 10.0.0.9")}),
	} {
		if p := problemOf(err); strings.Contains(p.Detail, "10.0.0.9") || p.Detail == "" {
			t.Errorf("problemOf(%v).Detail = %q, want a text without the address", err, p.Detail)
		}
	}
}

func TestUnavailableNamesTheStoresAndWhenToComeBack(t *testing.T) {
	f := newFake()
	f.onPost = func(context.Context, *flow.Posting) (bool, error) {
		return false, &UnavailableError{Reason: "fewer than 2 acks", Stores: []string{"n2", "n3"}, RetryAfter: 6100 * time.Millisecond}
	}
	h, _ := handlerFor(Config{}, f)
	w := postTo(h, strings.NewReader(smallRecord))
	want := `{"type":"/problems/unavailable","title":"Too few stores can be used","status":503,` +
		`"detail":"fewer than 2 acks (no answer from n2, n3)","stores":["n2","n3"],"retry_after":7}` + "\n"
	if got := w.Body.String(); w.Code != 503 || got != want || w.Header().Get("Retry-After") != "7" {
		t.Errorf("POST = %d %s (Retry-After %s), want 503 %s and 7 s", w.Code, got, w.Header().Get("Retry-After"), want)
	}
}

func TestRetryAfterIsSpread(t *testing.T) {
	seen := map[int]bool{}
	for range 200 {
		seen[retryAfter(nil)] = true
	}
	if len(seen) != 3 || !seen[1] || !seen[2] || !seen[3] {
		t.Errorf("retryAfter(nil) yields %v, want 1, 2 and 3", seen)
	}
}

func TestEveryProblemCanBeLookedUp(t *testing.T) {
	h, _ := handlerFor(Config{}, newFake())
	for _, a := range answers {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/problems/"+a.name, nil))
		if w.Code != 200 || !strings.Contains(w.Body.String(), a.advice) {
			t.Errorf("GET /problems/%s = %d %s, want 200 with the advice", a.name, w.Code, w.Body)
		}
	}
}
