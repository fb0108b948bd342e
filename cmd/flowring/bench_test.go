package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"

	"flowring/cmd/flowring/settings"
	"flowring/flow"
	"flowring/internal/load"
)

// counted is a double of a cluster. It adds up the records of posts, and may refuse or forget some posts.
type counted struct {
	refuse  string // answer to posts with a key that ends in 3
	forget  bool   // such posts are acknowledged and forgotten
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

// runBench runs the command against the cluster, and returns its exit code and output.
func runBench(t *testing.T, cluster http.Handler, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	server := httptest.NewServer(cluster)
	defer server.Close()
	t.Setenv(settings.TargetVariable, server.URL)
	var out, errs strings.Builder
	code = run(t.Context(), append([]string{"bench"}, args...), strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

func TestBenchReportsStoredPostsAndTheirVerification(t *testing.T) {
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
		{"all posts are stored", &counted{}, "--posts 20 --verify", exitOK, load.Result{Posts: 20, Records: 200}, false, ""},
		{"one post is refused", &counted{refuse: refusal}, "--posts 20 --verify", exitFailure, load.Result{Posts: 19, Records: 190, Refused: 1},
			false, "flowring: bench: 1 post failed, the first: post flows: "},
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

func TestBenchRefusesInvalidFlags(t *testing.T) {
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

func TestOnlyNamesOfThisMachineAreLoaded(t *testing.T) {
	for target, want := range map[string]bool{
		"http://127.0.0.1:8080": true, "http://127.9.9.9": true, "http://[::1]:8080": true, "http://[::ffff:127.0.0.1]": true,
		"http://localhost:8080": true, "http://n1.localhost": true,
		"http://10.0.0.7:8080": false, "http://n1:8080": false, "http://[fe80::1]": false, "http://0.0.0.0": false,
		"http://localhost.example": false, "http://127.0.0.1.example": false,
	} {
		if err := (&benchmark{}).mayLoad([]string{"http://127.0.0.1", target}); (err == nil) != want {
			t.Errorf("mayLoad(%s) = %v, want an error: %v", target, err, !want)
		}
		if err := (&benchmark{allowRemote: true}).mayLoad([]string{target}); err != nil {
			t.Errorf("mayLoad(%s) when allowed = %v, want nil", target, err)
		}
	}
}
