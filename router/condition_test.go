package router

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"flowring/internal/contract"
)

func TestKnownTags(t *testing.T) {
	for _, tt := range []struct {
		name   string
		values []string
		want   []contract.Tag
	}{
		{"no header", nil, nil},
		{"a weak tag", []string{`W/"abc"`}, []contract.Tag{"abc"}},
		{"a strong tag is compared weakly", []string{`"abc"`}, []contract.Tag{"abc"}},
		{"several, in one header and in two", []string{`"a", W/"b"`, `"c"`}, []contract.Tag{"a", "b", "c"}},
		{"commas and spaces between them", []string{",, \"a\"\t,W/\"b\" , "}, []contract.Tag{"a", "b"}},
		{"a tag with a comma", []string{`"a,b","c"`}, []contract.Tag{"a,b", "c"}},
		{"any", []string{" * "}, []contract.Tag{contract.AnyTag}},
		{"a star among tags is not well formed", []string{`"a", *, "b"`}, []contract.Tag{"a"}},
		{"a tag that is a star means no other", []string{`"*"`}, nil},
		{"an empty tag", []string{`"", "a"`}, []contract.Tag{"a"}},
		{"a tag without quotes", []string{`abc, "a"`}, nil},
		{"a tag that does not end", []string{`"a", "abc`}, []contract.Tag{"a"}},
		{"w/ is not W/", []string{`w/"a"`}, nil},
		{"tags that cannot be ours", []string{`"a b", "` + strings.Repeat("x", 65) + `", "é", "y"`}, []contract.Tag{"y"}},
		{"more than are looked at", []string{strings.Repeat(`"a",`, 100)}, slices.Repeat([]contract.Tag{"a"}, maxKnown)},
	} {
		if got := knownTags(http.Header{"If-None-Match": tt.values}); !slices.Equal(got, tt.want) {
			t.Errorf("%s: knownTags(%q) = %q, want %q", tt.name, tt.values, got, tt.want)
		}
	}
}

func FuzzKnownTags(f *testing.F) {
	for _, seed := range []string{`W/"a", "b"`, "*", `"`, `W/`, `"a" "b"`, ",", `"*"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		known := knownTags(http.Header{"If-None-Match": {value}})
		for _, tag := range known {
			if tag == contract.AnyTag && strings.TrimSpace(value) == string(contract.AnyTag) {
				continue
			}
			if !usable(tag) || !strings.Contains(value, `"`+string(tag)+`"`) {
				t.Errorf("knownTags(%q) has %q", value, tag)
			}
		}
		if len(known) > maxKnown {
			t.Errorf("knownTags(%q) has %d tags, want at most %d", value, len(known), maxKnown)
		}
	})
}

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
