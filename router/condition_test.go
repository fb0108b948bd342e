package router

import (
	"net/http/httptest"
	"testing"

	"flowring/internal/contract"
)

func TestAKnownAnswerIsNotWritten(t *testing.T) {
	for _, tt := range []struct {
		name, method, match string
		want                int
	}{
		{"its tag", "GET", `W/"t"`, 304},
		{"its tag, strong", "GET", `"t"`, 304},
		{"its tag among others", "GET", `"s", W/"t"`, 304},
		{"any", "GET", "*", 304},
		{"another tag", "GET", `W/"s"`, 200},
		{"no tag", "GET", "", 200},
		{"its tag, with HEAD", "HEAD", `W/"t"`, 304},
		{"another tag, with HEAD", "HEAD", `W/"s"`, 200},
	} {
		h, _ := handlerFor(Config{}, answering(&fakeAnswer{complete: contract.Unproven, tag: "t", chunks: []string{"[]\n"}}))
		req := httptest.NewRequest(tt.method, "/flows?hour=1", nil)
		if tt.match != "" {
			req.Header.Set("If-None-Match", tt.match)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		got := w.Result().Header
		if w.Code != tt.want || got.Get("ETag") != `W/"t"` || got.Get("Flowring-Complete") != "unproven" || got.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: %d with %v, want %d with the tag, how complete it is, and no-cache", tt.name, w.Code, got, tt.want)
		}
		if full := tt.want == 200 && tt.method == "GET"; full != (w.Body.String() == "[]\n") || !full && w.Body.Len() > 0 {
			t.Errorf("%s: the body is %q", tt.name, w.Body)
		}
	}
}

// A node of a version without tags sends the whole answer.
func TestAnAnswerWithoutATagIsAlwaysWritten(t *testing.T) {
	h, _ := handlerFor(Config{}, answering(&fakeAnswer{complete: contract.Complete, chunks: []string{"[]\n"}}))
	req := httptest.NewRequest("GET", "/flows?hour=1", nil)
	req.Header.Set("If-None-Match", "*")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	if _, tagged := w.Result().Header["Etag"]; w.Code != 200 || tagged || w.Body.String() != "[]\n" {
		t.Errorf("GET = %d %v %q, want 200 without an ETag", w.Code, w.Result().Header, w.Body)
	}
}
