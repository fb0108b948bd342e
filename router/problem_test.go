package router

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"flowring/flow"
	"flowring/internal/browser"
	"flowring/internal/contract"
	"flowring/router/coding"
	"flowring/router/reception"
)

// problems returns the names of all problems, sorted.
func problems() []string {
	var names []string
	for r := range contract.All() {
		if r.Problem() != "" {
			names = append(names, r.Problem())
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// everyError has an error for each problem.
var everyError = []struct {
	err    error
	name   string
	status int
}{
	{decodeRefusal(&flow.RecordError{Index: -1, Line: 1, Field: "hour", Reason: "r", Syntax: flow.CSV}), "csv", 400},
	{decodeRefusal(&flow.RecordError{Index: -1, Reason: "r", Syntax: flow.Protobuf}), "protobuf", 400},
	{decodeRefusal(&flow.RecordError{Index: -1, Reason: "r"}), "json", 400},
	{decodeRefusal(&flow.RecordError{Index: 3, Field: "hour", Reason: "r"}), "record", 400},
	{tooManyHours(3, 2), "hours-in-request", 400},
	{contract.IdempotencyKey.Errorf("is odd"), "idempotency-key", 400},
	{reception.ReadError(io.ErrNoProgress), "body", 400},
	{contract.Query.Errorf("q"), "query", 400},
	{contract.QueryHours.Errorf("q"), "query-hours", 400},
	{contract.QueryGroups.Errorf("q"), "query-groups", 400},
	{contract.Unauthorized, "unauthorized", 401},
	{contract.Forbidden, "forbidden", 403},
	{browserRefusal(browser.ErrCrossOrigin), "cross-origin", 403},
	{contract.NotFound, "not-found", 404},
	{contract.Method.Errorf("PUT is not allowed"), "method", 405},
	{reception.ReadError(os.ErrDeadlineExceeded), "slow-body", 408},
	{contract.Overflow, "overflow", 409},
	{contract.TooManyFlows, "too-many-flows", 409},
	{contract.TooManyNames, "too-many-names", 409},
	{contract.TooManyHours, "too-many-hours", 409},
	{contract.HoursReserved, "too-many-hours", 409},
	{contract.TooOld, "expired", 409},
	{contract.ClosedHour, "closed", 409},
	{contract.Guarded, "guarded", 409},
	{contract.Expired, "expired", 410},
	{contract.FutureHour, "future-hour", 400},
	{coding.TooLarge("the body", 9), "too-large", 413},
	{decodeRefusal(flow.ErrTooManyRecords), "too-large", 413},
	{contract.MediaType, "media-type", 415},
	{contract.ContentEncoding, "content-encoding", 415},
	{browserRefusal(&browser.HostError{Host: "evil.example"}), "host", 421},
	{contract.KeyReused, "key-reused", 422},
	{contract.KeyReusedElsewhere, "key-reused", 422},
	{&contract.UnavailableError{Reason: "r"}, "unavailable", 503},
	{context.DeadlineExceeded, "timeout", 503},
	{contract.Overloaded, "overloaded", 503},
	{contract.HTTPVersion, "http-version", 505},
	{errors.New("secret"), "internal", 500},
}

func TestEveryErrorHasItsAnswer(t *testing.T) {
	var covered []string
	for _, tt := range everyError {
		wrapped := fmt.Errorf("post flows: %w", tt.err)
		if _, p := problemOf(wrapped); p.Type != "/problems/"+tt.name || p.Status != tt.status {
			t.Errorf("problemOf(%v) = %s %d, want %s %d", wrapped, p.Type, p.Status, tt.name, tt.status)
		}
		covered = append(covered, tt.name)
	}
	slices.Sort(covered)
	if covered = slices.Compact(covered); !slices.Equal(covered, problems()) {
		t.Errorf("the errors here have the problems %q, want %q", covered, problems())
	}
}

func TestOverflowWithinOneRequestIsAnsweredLikeAnyOther(t *testing.T) {
	_, p := problemOf(decodeRefusal(fmt.Errorf("hour 3: %w", flow.ErrOverflow)))
	if p.Status != 409 || p.Detail != "hour 3: "+flow.ErrOverflow.Error() {
		t.Errorf("problem = %+v, want 409 with its text", p)
	}
}

func TestThePathOfAnErrorIsNotInTheAnswer(t *testing.T) {
	for _, err := range []error{
		errors.New("dial 10.0.0.9: refused"),
		fmt.Errorf("replicate to 10.0.0.9: %w", context.DeadlineExceeded),
		fmt.Errorf("ask 10.0.0.9: %w", contract.KeyReused),
		fmt.Errorf("10.0.0.9: %w", &contract.UnavailableError{Reason: "too few", Err: errors.New("dial 10.0.0.9")}),
	} {
		if _, p := problemOf(err); strings.Contains(p.Detail, "10.0.0.9") || p.Detail == "" {
			t.Errorf("problemOf(%v).Detail = %q, want a text without the address", err, p.Detail)
		}
	}
}

func TestUnavailableHasTheStoresAndRetryAfter(t *testing.T) {
	f := newFake()
	f.onPost = func(context.Context, *flow.Posting) (bool, error) {
		return false, &contract.UnavailableError{Reason: "fewer than 2 acks", Stores: []string{"n2", "n3"}}
	}
	h, _ := handlerFor(Config{}, f)
	w := postTo(h, strings.NewReader(smallRecord))
	want := `{"type":"/problems/unavailable","title":"Too few stores can be used","status":503,` +
		`"detail":"fewer than 2 acks (no answer from n2, n3)","stores":["n2","n3"],"retry_after":` + w.Header().Get("Retry-After") + "}\n"
	if got := w.Body.String(); w.Code != 503 || got != want {
		t.Errorf("POST = %d %s, want 503 %s", w.Code, got, want)
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
	for r := range contract.All() {
		if r.Problem() == "" {
			continue
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/problems/"+r.Problem(), nil))
		if w.Code != 200 || !strings.Contains(w.Body.String(), r.Advice()) {
			t.Errorf("GET /problems/%s = %d %s, want 200 with the advice", r.Problem(), w.Code, w.Body)
		}
	}
}
