package router

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"flowring/internal/contract"
)

// fakePages refuses with an error of its own, unless the router refuses.
type fakePages struct{ err error }

func (f fakePages) ServeHTTP(http.ResponseWriter, *http.Request) {}

func (f fakePages) Answer(w http.ResponseWriter, _ *http.Request, refused error) error {
	if refused == nil {
		refused = f.err
	}
	w.Header().Set("Content-Type", "text/html")
	return refused
}

// A refusal on a page counts like any other.
func TestRefusalsOnPagesAreCounted(t *testing.T) {
	reg := prometheus.NewRegistry()
	rt := newRouter(Config{}, Deps{
		Cluster: newFake(), Log: discard, Registry: reg, Pages: fakePages{&contract.UnavailableError{Reason: "few"}},
	})
	for _, path := range []string{"/", "/explore"} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Accept", "text/html")
		rt.handler().ServeHTTP(httptest.NewRecorder(), r)
	}
	if n := metricValue(t, reg, "flowring_http_refusals_total", []string{"reason", contract.Unavailable.Problem()}); n != 2 {
		t.Errorf("%v refusals are counted, want 2", n)
	}
}

// P18: a reader who goes away while a page asks is no failure of the node.
func TestAReaderWhoGoesAwayIsNoRefusal(t *testing.T) {
	reg, log := prometheus.NewRegistry(), &lines{}
	rt := newRouter(Config{}, Deps{
		Cluster: newFake(), Log: slog.New(slog.NewTextHandler(log, nil)), Registry: reg, Pages: fakePages{context.Canceled},
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	func() {
		defer func() { _ = recover() }() // as net/http does
		rt.handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/explore", nil).WithContext(ctx))
	}()
	wantMetric(t, reg, "flowring_http_refusals_total", 0, "reason", contract.Internal.Problem())
	wantMetric(t, reg, "flowring_http_requests_total", 1, "route", "/explore", "method", "GET", "code", "aborted")
	if log.count("refused") > 0 {
		t.Errorf("the log has\n%s", log.text.String())
	}
}

// A page is for clients that name its type. All others get the text.
func TestTheIndexIsAPageForBrowsersAlone(t *testing.T) {
	h := New(Config{}, Deps{Cluster: newFake(), Log: discard, Pages: fakePages{}})
	for accept, want := range map[string]string{
		"": "text/plain; charset=utf-8", "*/*": "text/plain; charset=utf-8", "text/*": "text/plain; charset=utf-8",
		"text/html,application/xhtml+xml,*/*;q=0.8": "text/html", "text/html;q=0": "text/plain; charset=utf-8",
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Header().Get("Content-Type"); got != want || w.Header().Get("Vary") != "Accept" {
			t.Errorf("Accept: %s has %s, Vary %q, want %s", accept, got, w.Header().Get("Vary"), want)
		}
	}
}
