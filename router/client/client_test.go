package client

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"flowring/internal/contract"
)

func TestNewWantsURLs(t *testing.T) {
	for _, targets := range [][]string{
		nil, {""}, {"localhost:8080"}, {"ftp://n1"}, {"http://"}, {"http://n1", "n2:8080"}, {"http://%zz"},
	} {
		if _, err := New(Config{Targets: targets}); err == nil {
			t.Errorf("New(%q) succeeds", targets)
		}
	}
	if _, err := New(Config{Targets: []string{"http://n1:8080/", "https://flowring.example/base"}}); err != nil {
		t.Errorf("New of two URLs: %v", err)
	}
}

func TestCallsBeginWithAnotherTargetEachTime(t *testing.T) {
	c, cluster := newTestClient(t, 3, stored)
	for range 6 {
		if _, err := c.Post(t.Context(), []byte(body), PostOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	count := map[string]int{}
	for _, r := range cluster.requests {
		count[r.host]++
	}
	if len(count) != 3 || count["n1"] != 2 {
		t.Errorf("6 calls went to %v, want 2 to each of 3", count)
	}
}

func TestGetReadsAnHour(t *testing.T) {
	for need, query := range map[contract.Need]string{
		contract.NeedUnproven: "hour=-5", contract.NeedComplete: "hour=-5&require=complete", contract.NeedPartial: "hour=-5&partial=true",
	} {
		c, _ := newTestClient(t, 1, func(req *http.Request) (*http.Response, error) {
			if req.URL.RawQuery != query {
				t.Errorf("query = %q, want %q", req.URL.RawQuery, query)
			}
			return reply(200, "[]\n", "Flowring-Complete: unproven")(req)
		})
		h, err := c.Get(t.Context(), -5, need)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(h)
		if h.Close(); string(text) != "[]\n" || err != nil || h.Complete != contract.Unproven {
			t.Errorf("Get = %q, %v, complete %q; want the array, unproven", text, err, h.Complete)
		}
	}
}

func TestATruncatedHourIsAnError(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Flowring-Complete", "true")
		io.WriteString(w, strings.Repeat("[", 10_000))
		panic(http.ErrAbortHandler)
	}))
	defer srv.Close()
	c, err := New(Config{Targets: []string{srv.URL}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	h, err := c.Get(t.Context(), 1, contract.NeedUnproven)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if text, err := io.ReadAll(h); err == nil {
		t.Errorf("read of a broken hour = %d bytes and no error", len(text))
	}
}

func TestAnAnswerWithoutACompletenessIsAnError(t *testing.T) {
	c, _ := newTestClient(t, 1, reply(200, "[]"))
	if _, err := c.Get(t.Context(), 1, contract.NeedPartial); err == nil {
		t.Error("Get without Flowring-Complete succeeds")
	}
}

func TestMembers(t *testing.T) {
	c, _ := newTestClient(t, 2, lose, reply(200, `{"cluster":"c","node":"n2","members":[{"name":"n2"}],"ring":{"partitions":7}}`))
	view, err := c.Members(t.Context())
	if err != nil || view.Node != "n2" || len(view.Members) != 1 || view.Ring.Partitions != 7 {
		t.Errorf("Members = %+v, %v", view, err)
	}
}

func TestProblemsArePrintable(t *testing.T) {
	problem := "Content-Type: application/problem+json"
	for _, tt := range []struct {
		name  string
		reply step
		want  string
	}{
		{"one of ours", refused, "post flows: http://n1: 400 A record is not valid: record 3: no"},
		{"a page of a proxy", reply(404, "<html>not here</html>", "Content-Type: text/html"), "post flows: http://n1: 404 Not Found"},
		{
			"HTTP to an HTTPS server", reply(400, "Client sent an HTTP request to an HTTPS server.\n"),
			"post flows: http://n1: 400 Bad Request: Client sent an HTTP request to an HTTPS server.",
		},
		{"a line of a proxy", reply(403, "go away\n", "Content-Type: text/plain"), "post flows: http://n1: 403 Forbidden: go away"},
		{"broken JSON", reply(400, `{"title":`, problem), "post flows: http://n1: 400 Bad Request"},
		{"control characters", reply(400, `{"title":"a\u001b[2Jb\nc"}`, problem), "post flows: http://n1: 400 a [2Jb c"},
	} {
		c, _ := newTestClient(t, 1, tt.reply)
		_, err := c.Post(t.Context(), []byte(body), PostOptions{})
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s: Post = %q, want %q", tt.name, err, tt.want)
		}
	}
	c, _ := newTestClient(t, 1, reply(400, `{"title":"`+strings.Repeat("x", 10_000)+`"}`, problem))
	if _, err := c.Post(t.Context(), nil, PostOptions{}); len(err.Error()) > maxShown+100 {
		t.Errorf("a long problem makes a text of %d bytes", len(err.Error()))
	}
}

func TestProblemsKeepTheirMembers(t *testing.T) {
	c, _ := newTestClient(t, 1, refused)
	_, err := c.Post(t.Context(), []byte(body), PostOptions{})
	var p *Problem
	if !errors.As(err, &p) || p.Record == nil || *p.Record != 3 || p.Field != "hour" {
		t.Errorf("Post = %+v, want record 3, field hour", p)
	}
}

// The transport asks for gzip. A truncated hour fails with gzip too.
func TestATruncatedCompressedHourIsAnError(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write([]byte(body))
	z.Close()
	for name, tt := range map[string]struct {
		sent  []byte
		whole bool
	}{
		"negative control: it is whole": {packed.Bytes(), true},
		"it is cut within":              {packed.Bytes()[:packed.Len()/2], false},
		"it is cut within the checksum": {packed.Bytes()[:packed.Len()-1], false},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept-Encoding") != "gzip" {
				t.Errorf("Accept-Encoding = %q, want gzip", r.Header.Get("Accept-Encoding"))
			}
			w.Header().Set("Flowring-Complete", "true")
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(tt.sent)
		}))
		c, err := New(Config{Targets: []string{server.URL}})
		if err != nil {
			t.Fatal(err)
		}
		hour, err := c.Get(t.Context(), 3, contract.NeedUnproven)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(hour)
		if whole := err == nil; whole != tt.whole || whole && string(text) != body {
			t.Errorf("%s: read = %q, %v", name, text, err)
		}
		hour.Close()
		c.Close()
		server.Close()
	}
}
