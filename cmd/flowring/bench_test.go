package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"flowring/cmd/flowring/settings"
	"flowring/flow"
	"flowring/internal/load"
	"flowring/router"
)

// counted is the public face of a cluster that adds up what it is sent, and may be broken in one way.
type counted struct {
	refuse  string // what it answers to posts with a key that ends in 3
	forget  bool   // it acknowledges those and forgets them
	posts   int
	mu      sync.Mutex
	records []flow.Record
}

func (c *counted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case r.URL.Path == "/members":
		io.WriteString(w, `{"cluster":"c","node":"n1","members":[{"name":"n1","state":"alive"}],"ring":{"replication_factor":1,"write_quorum":1}}`)
	case r.Method == http.MethodGet:
		c.get(w)
	default:
		c.post(w, r)
	}
}

func (c *counted) post(w http.ResponseWriter, r *http.Request) {
	c.posts++
	body, _ := io.ReadAll(r.Body)
	posting, err := flow.Decode(body)
	special := strings.HasSuffix(r.Header.Get("Idempotency-Key"), "-3")
	if err != nil || special && c.refuse != "" {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusConflict)
		io.WriteString(w, c.refuse)
		return
	}
	for _, b := range posting.Batches {
		for i := range b.Len() {
			if !special || !c.forget {
				c.records = append(c.records, flow.Record{Key: b.FlowKey(i), Totals: b.Totals(i), Hour: b.Slice.Hour})
			}
		}
	}
	fmt.Fprintf(w, `{"records":%d,"flows":%d,"hours":[20]}`, posting.Records, posting.Flows())
}

func (c *counted) get(w http.ResponseWriter) {
	w.Header().Set("Flowring-Complete", "true")
	posting, err := flow.AddUp(c.records)
	if err != nil {
		panic(err)
	}
	body := []byte{'['}
	for _, b := range posting.Batches {
		for i := range b.Len() {
			body = flow.AppendRecord(append(body, ','), flow.Record{Key: b.FlowKey(i), Totals: b.Totals(i), Hour: b.Slice.Hour})
		}
	}
	if len(body) > 1 {
		body[1], body = '[', body[1:]
	}
	w.Write(append(body, ']'))
}

// runBench runs the command against the cluster and returns what people see.
func runBench(t *testing.T, cluster http.Handler, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	server := httptest.NewServer(cluster)
	defer server.Close()
	t.Setenv(settings.TargetVariable, server.URL)
	var out, errs strings.Builder
	code = run(t.Context(), append([]string{"bench"}, args...), strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

func TestBenchSaysWhatWasStoredAndWhetherItIsThere(t *testing.T) {
	const refusal = `{"type":"/problems/sum-overflow","title":"The sum is too large","status":409,"detail":"of all"}`
	for _, test := range []struct {
		name    string
		cluster *counted
		args    string
		code    int
		want    load.Result
		wrong   bool
		err     string
	}{
		{"all is well", &counted{}, "--posts 20 --verify", exitOK, load.Result{Posts: 20, Records: 200}, false, ""},
		{"one post is refused", &counted{refuse: refusal}, "--posts 20 --verify", exitFailure, load.Result{Posts: 19, Records: 190, Refused: 1},
			false, "flowring: bench: 1 posts failed, the first: post flows: "},
		{"one post is forgotten", &counted{forget: true}, "--posts 20 --verify", exitFailure, load.Result{Posts: 20, Records: 200}, true,
			"flowring: bench: verify: "},
		{"without keys", &counted{refuse: refusal}, "--posts 20 --no-keys", exitOK, load.Result{Posts: 20, Records: 200}, false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			args := append(strings.Fields(test.args), "--records", "10", "--flows", "50", "--hour", "20", "--format", "json")
			code, out, errs := runBench(t, test.cluster, args...)
			var got load.Result
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatalf("stdout is %q, stderr %q: %v", out, errs, err)
			}
			if code != test.code || got.Posts != test.want.Posts || got.Records != test.want.Records || got.Refused != test.want.Refused {
				t.Errorf("bench = %d with %+v, want %d with %+v", code, got, test.code, test.want)
			}
			if verified := strings.Contains(test.args, "--verify"); verified != (got.Verified != nil) {
				t.Fatalf("verified is %+v, want one: %v", got.Verified, verified)
			}
			if got.Verified != nil && (got.Verified.Wrong > 0) != test.wrong {
				t.Errorf("verified is %+v, want something wrong: %v", got.Verified, test.wrong)
			}
			if !strings.HasPrefix(errs, test.err) || test.err == "" && errs != "" {
				t.Errorf("stderr = %q, want %q", errs, test.err)
			}
		})
	}
}

func TestBenchRefusesWhatItCannotDo(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"--connections 0", "--connections: 0 is not from 1 to 10000"},
		{"--records 0", "--records: 0 is not from 1 to 100000"},
		{"--flows 99999999", "--flows: 99999999 is not from 1 to 16777216"},
		{"--zipf -1", "--zipf: -1 is not from 0 to 10"},
		{"--zipf NaN", "--zipf: NaN is not from 0 to 10"},
		{"--rate -5", "--rate: -5 is not from 0"},
		{"--hours 0", "--hours: 0 is not from 1 to 1000000"},
		{"--hour today", `--hour: "today" is no hour`},
		{"--verify --no-keys", "--verify needs keys"},
		{"--target http://flowring.example:8080", "http://flowring.example:8080 is not on this machine"},
		{"--target ftp://127.0.0.1", `target "ftp://127.0.0.1" is not a URL`},
		{"--target ,", "no targets"},
	} {
		cluster := &counted{}
		code, out, errs := runBench(t, cluster, strings.Fields(test.args)...)
		if code != exitUsage || out != "" || !strings.Contains(errs, test.want) || cluster.posts > 0 {
			t.Errorf("bench %s = %d with %q and %d posts, want %d with %q and none", test.args, code, errs, cluster.posts, exitUsage, test.want)
		}
	}
}

func TestThisMachineIsKnownByItsName(t *testing.T) {
	for target, want := range map[string]bool{
		"http://127.0.0.1:8080": true, "http://127.9.9.9": true, "http://[::1]:8080": true, "http://[::ffff:127.0.0.1]": true,
		"http://localhost:8080": true, "http://n1.localhost": true,
		"http://10.0.0.7:8080": false, "http://n1:8080": false, "http://[fe80::1]": false, "http://0.0.0.0": false,
		"http://localhost.example": false, "http://127.0.0.1.example": false,
	} {
		if err := (&bench{}).mayLoad([]string{"http://127.0.0.1", target}); (err == nil) != want {
			t.Errorf("mayLoad(%s) = %v, want an error: %v", target, err, !want)
		}
		if err := (&bench{allowRemote: true}).mayLoad([]string{target}); err != nil {
			t.Errorf("mayLoad(%s) when allowed = %v, want nil", target, err)
		}
	}
}

func TestBenchTable(t *testing.T) {
	b := bench{plan: load.Plan{Connections: 1}, shape: load.Shape{Records: 5, Flows: 1000, Hours: 24}, rate: 50_000, noKeys: true}
	r := &load.Result{
		Seconds: 10, Records: 499_500, Posts: 99_900, Bytes: 55e6, RecordsPerSecond: 49_950, PostsPerSecond: 9990,
		Latency: load.Latency{P50: .5, P90: 9.994, P99: 10, P999: 123.4, Max: 1234},
		Answers: map[int]int64{503: 3, 200: 99_900}, Retries: 1, Replayed: 1, Refused: 1, Unknown: 99, Unsent: 12_345,
		Failures: []load.Failure{{Kind: "503 overloaded", Count: 3, Example: "n1:8080: 503 Too\x1bmuch"}},
		Reads:    &load.Reads{Reads: 20, Failed: 1, Bytes: 12e6}, Verified: &load.Verified{Hours: 1, Flows: 1000}, CPUSeconds: 2,
	}
	view := router.MembersView{Members: []router.Member{{State: "alive"}, {State: "absent"}}, Ring: router.RingView{ReplicationFactor: 2, WriteQuorum: 2}}
	want := `1 of 2 nodes, 2 copies of each batch, 2 acknowledge it
1 connection, 5 records in each post, 1,000 flows in 24 hours, 50,000 records due in a second, without keys

stored        499,500 records in 99,900 posts, 55.0 MB, in 10.0 s
rate          49,950 records/s, 9,990 posts/s
latency       p50 0.50 ms, p90 9.99 ms, p99 10.0 ms, p99.9 123 ms, max 1234 ms
answers       200: 99,900, 503: 3
retries       1; 1 posts had been stored by an attempt whose answer was lost
failed        1 posts refused, 99 unknown
not sent      12,345 posts that were due: the rate is more than was taken on these connections
reads         20, 12.0 MB, 1 failed; p50 0.00 ms, p90 0.00 ms, p99 0.00 ms, p99.9 0.00 ms, max 0.00 ms
verified      1,000 flows in 1 hour hold what was sent
bench itself  2.00 s of CPU, 4.00 s for a million records
error         "3 times 503 overloaded, such as n1:8080: 503 Too\x1bmuch"
`
	var got strings.Builder
	if err := b.print(&got, view, r); err != nil || got.String() != want {
		t.Errorf("print() = %v with\n%s, want\n%s", err, &got, want)
	}
}

func TestProgressShowsTheLastSecond(t *testing.T) {
	start := time.Now()
	var stderr strings.Builder
	tally := &load.Tally{}
	p := &benchProgress{stderr: &stderr, tally: tally, traffic: &load.Traffic{}, start: start, last: start, latency: tally.Latency.Counts()}
	tally.Records.Add(1_234_567)
	tally.Stored.Add(1235)
	tally.Latency.Add(5 * time.Millisecond)
	p.print(start.Add(time.Second))
	tally.Latency.Add(50 * time.Millisecond)
	p.print(start.Add(3 * time.Second))
	want := "   1s  1,234,567 records/s    1,235 posts/s   p50 5.00 ms   p99 5.00 ms   0 errors\n" +
		"   3s          0 records/s        0 posts/s   p50 50.0 ms   p99 50.0 ms   0 errors\n"
	if stderr.String() != want {
		t.Errorf("progress is\n%swant\n%s", &stderr, want)
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[float64]string{0: "0", 999.4: "999", 999.5: "1,000", 123456: "123,456", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("grouped(%v) = %s, want %s", n, got, want)
		}
	}
}
