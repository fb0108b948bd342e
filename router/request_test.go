package router

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"flowring/internal/trace"
)

// BenchmarkSmallPost has the cost of a POST of one record over a connection, without a store.
func BenchmarkSmallPost(b *testing.B) {
	srv := httptest.NewServer(New(Config{}, Deps{Cluster: newFake(), Log: discard}))
	defer srv.Close()
	client := srv.Client()
	b.ReportAllocs()
	for b.Loop() {
		res, err := client.Post(srv.URL+"/flows", "application/json", strings.NewReader(smallRecord))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
			b.Fatal(res.Status, err)
		}
		res.Body.Close()
	}
}

// BenchmarkHandle has the cost of the same POST without a connection.
func BenchmarkHandle(b *testing.B) {
	h := New(Config{}, Deps{Cluster: newFake(), Log: discard})
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/flows", strings.NewReader(smallRecord))
		r.Header.Set("Content-Type", "application/json")
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
}

// Each answer has the ID of its request, refusals too.
func TestEachAnswerHasTheIDOfItsRequest(t *testing.T) {
	h, _ := handlerFor(Config{}, newFake())
	for _, path := range []string{"/flows?hour=20", "/flows?hour=x", "/", "/nothing", "/livez"} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if id := w.Header().Get(trace.Header); id != "4bf92f3577b34da6a3ce929d0e0e4736" {
			t.Errorf("GET %s has the ID %q, want the trace ID", path, id)
		}
	}
}
