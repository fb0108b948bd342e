package yardstick

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"flowring/flow"
	"flowring/internal/load"
	"flowring/internal/nodetest"
)

// serve answers with a handler for the length of a test and returns its URL.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// do sends a request until it is answered by anything but a 503, which a node says that has just started.
func do(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	for range 1000 {
		req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != http.StatusServiceUnavailable {
			return res.StatusCode, string(text)
		}
	}
	t.Fatalf("%s %s is answered 503 for ever", method, url)
	return 0, ""
}

// hour returns an hour as a server reports it.
func hour(t *testing.T, url string, h int) []flow.Record {
	t.Helper()
	status, text := do(t, http.MethodGet, fmt.Sprintf("%s/flows?hour=%d", url, h), "")
	var records []flow.Record
	if err := json.Unmarshal([]byte(text), &records); err != nil || status != http.StatusOK || records == nil {
		t.Fatalf("GET hour %d = %d %.80s, %v; want 200 and an array", h, status, text, err)
	}
	return records
}

// TestTheYardsticksAddUpAsANodeDoes: a server with other sums is no yardstick.
func TestTheYardsticksAddUpAsANodeDoes(t *testing.T) {
	servers := map[string]string{"plain": serve(t, Plain()), "memory": serve(t, Memory()), "node": "http://" + nodetest.Start(t, 1)[0].Addresses().HTTP}
	const newest = 493_000
	g := load.NewGenerator(load.Shape{Records: 150, Flows: 300, Zipf: 1.1, VPC: "vpc", VPCs: 3, Newest: newest, Hours: 2, Seed: 1})
	bodies := []string{`[{"src_app":"a\"b","dest_app":"<&>","vpc_id":"ü","bytes_tx":1,"bytes_rx":0,"hour":-3}]`}
	for n := range int64(4) {
		bodies = append(bodies, string(g.Append(nil, n)))
	}
	for name, url := range servers {
		for i, body := range bodies {
			if status, text := do(t, http.MethodPost, url+"/flows", body); status != http.StatusOK {
				t.Fatalf("%s: post %d = %d %s, want 200", name, i, status, text)
			}
		}
	}
	for _, h := range []int{newest, newest - 1, -3, 5} {
		want := hour(t, servers["node"], h)
		for _, name := range []string{"plain", "memory"} {
			if got := hour(t, servers[name], h); !slices.Equal(got, want) {
				t.Errorf("%s: hour %d = %d flows %.200v, want as a node has it %d flows %.200v", name, h, len(got), got, len(want), want)
			}
		}
	}
	do(t, http.MethodPost, servers["plain"]+"/flows", bodies[0])
	if slices.Equal(hour(t, servers["plain"], -3), hour(t, servers["node"], -3)) {
		t.Error("one more post makes no difference: the comparison notices nothing")
	}
}

func TestPlainRefusesInvalidRecords(t *testing.T) {
	url := serve(t, Plain())
	for _, body := range []string{"", "{}", `[{"src_app":"a"}]`, `[{"src_app":"a","dest_app":"b","vpc_id":"v","bytes_tx":-1}]`} {
		if status, text := do(t, http.MethodPost, url+"/flows", body); status != http.StatusBadRequest {
			t.Errorf("post %q = %d %s, want 400", body, status, text)
		}
	}
	if got := hour(t, url, 0); len(got) > 0 {
		t.Errorf("hour 0 = %v, want nothing", got)
	}
}

func TestReadOnlyReadsToTheEnd(t *testing.T) {
	rest := strings.NewReader(strings.Repeat("x", 1<<20))
	answer := httptest.NewRecorder()
	ReadOnly().ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/flows", rest))
	if answer.Code != http.StatusOK || rest.Len() > 0 {
		t.Errorf("status %d with %d bytes left unread, want 200 and none", answer.Code, rest.Len())
	}
}
