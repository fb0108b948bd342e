package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"flowring/node"
)

// serve answers with a handler for the length of a test and returns its URL.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// startNode runs a node for the length of a test and returns its URL.
func startNode(t *testing.T) string {
	t.Helper()
	cfg := node.Default("n1")
	cfg.MinFree, cfg.DataDir = 0, t.TempDir()
	cfg.HTTPAddr, cfg.PeerAddr, cfg.GossipAddr = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	n, err := node.New(cfg, node.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Abort() })
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return "http://" + n.Addresses().HTTP
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
func hour(t *testing.T, url string, h int) []plainRecord {
	t.Helper()
	status, text := do(t, http.MethodGet, fmt.Sprintf("%s/flows?hour=%d", url, h), "")
	var records []plainRecord
	if err := json.Unmarshal([]byte(text), &records); err != nil || status != http.StatusOK || records == nil {
		t.Fatalf("GET hour %d = %d %.80s, %v; want 200 and an array", h, status, text, err)
	}
	return records
}

// TestTheYardsticksAddUpAsANodeDoes: what does something else is no measure.
func TestTheYardsticksAddUpAsANodeDoes(t *testing.T) {
	servers := map[string]string{"plain": serve(t, Plain()), "memory": serve(t, Memory()), "node": startNode(t)}
	w := NewWorkload(1, 300)
	bodies := []string{string(w.Body(200)), string(w.Body(1)), string(w.EachOf(0, 150)),
		`[{"src_app":"a\"b","dest_app":"<&>","vpc_id":"ü","bytes_tx":1,"bytes_rx":0,"hour":-3}]`}
	last := string(w.Body(5))
	for name, url := range servers {
		for i, body := range bodies {
			if status, text := do(t, http.MethodPost, url+"/flows", body); status != http.StatusOK {
				t.Fatalf("%s: post %d = %d %s, want 200", name, i, status, text)
			}
		}
	}
	for _, h := range []int{Hour, -3, 5} {
		want := hour(t, servers["node"], h)
		for _, name := range []string{"plain", "memory"} {
			if got := hour(t, servers[name], h); !slices.Equal(got, want) {
				t.Errorf("%s: hour %d = %d flows %.200v, want as a node has it %d flows %.200v", name, h, len(got), got, len(want), want)
			}
		}
	}
	do(t, http.MethodPost, servers["plain"]+"/flows", last)
	if slices.Equal(hour(t, servers["plain"], Hour), hour(t, servers["node"], Hour)) {
		t.Error("one post more makes no difference: the comparison sees nothing")
	}
}

func TestPlainRefusesWhatIsNoRecords(t *testing.T) {
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

func TestAWorkloadIsWhatItSays(t *testing.T) {
	flows := func(body []byte) map[plainKey]bool {
		var records []plainRecord
		if err := json.Unmarshal(body, &records); err != nil {
			t.Fatal(err)
		}
		all := map[plainKey]bool{}
		for _, r := range records {
			all[plainKey{r.SrcApp, r.DestApp, r.VPCID}] = true
		}
		return all
	}
	if got := len(flows(NewWorkload(1, 1).EachOf(123_000, 50_000))); got != 50_000 {
		t.Errorf("50,000 flows once each = %d flows", got)
	}
	last := flows(NewWorkload(1, 1).EachOf(MaxFlows-1000, 1000))
	maps.Copy(last, flows(NewWorkload(1, 1).EachOf(Apps*Apps-1000, 1000)))
	if len(last) != 2000 {
		t.Errorf("flows with the same applications and other VPCs are %d, want 2,000", len(last))
	}
	spread := map[plainKey]bool{}
	for first := 0; first < 30_000; first += 1000 {
		maps.Copy(spread, flows(NewWorkload(1, 1).Spread(first, 1000, 30_000)))
	}
	if len(spread) != 30_000 || !maps.Equal(spread, flows(NewWorkload(1, 1).EachOf(0, 30_000))) {
		t.Errorf("30 bodies spread over 30,000 flows have %d of them, want all", len(spread))
	}
	if got := len(flows(NewWorkload(1, 10_000).Body(1000))); got < 300 || got > 600 {
		t.Errorf("1,000 records over 10,000 flows are of %d flows, want 300 to 600", got)
	}
	if a, b := NewWorkload(7, 100).Body(50), NewWorkload(7, 100).Body(50); !slices.Equal(a, b) {
		t.Error("one seed makes two workloads")
	}
	if a, b := NewWorkload(7, 100).Body(50), NewWorkload(8, 100).Body(50); slices.Equal(a, b) {
		t.Error("two seeds make one workload")
	}
}
