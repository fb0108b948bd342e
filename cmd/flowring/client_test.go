package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"flowring/cmd/flowring/settings"
	"flowring/router"
)

// face is a double of a cluster for the commands: it gives the same answer to every request.
type face struct {
	status   int
	header   http.Header
	body     string
	requests []string // method, URI, key and body of each
}

func (f *face) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	request := fmt.Sprintf("%s %s %s %s", r.Method, r.RequestURI, r.Header.Get("Idempotency-Key"), body)
	f.requests = append(f.requests, strings.TrimSpace(request))
	for name, values := range f.header {
		w.Header()[name] = values
	}
	w.WriteHeader(f.status)
	io.WriteString(w, f.body)
}

// execute runs a command line against the face, and returns its exit code and output.
func execute(t *testing.T, f *face, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	server := httptest.NewServer(f)
	defer server.Close()
	t.Setenv(settings.TargetVariable, strings.TrimPrefix(server.URL, "http://"))
	var out, errs strings.Builder
	code = run(t.Context(), args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), strings.ReplaceAll(errs.String(), server.URL, "TARGET")
}

// problem is a refusal.
func problem(status int, title, detail string) *face {
	return refusal(router.Problem{Title: title, Status: status, Detail: detail})
}

// refusal is a refusal with the problem p.
func refusal(p router.Problem) *face {
	p.Type = "/problems/x"
	body, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	return &face{status: p.Status, header: http.Header{"Content-Type": {"application/problem+json"}}, body: string(body)}
}

// complete is an answer to a GET.
func complete(how, body string) *face {
	return &face{status: http.StatusOK, header: http.Header{"Flowring-Complete": {how}}, body: body}
}

func TestClientCommands(t *testing.T) {
	const accepted = `{"records":1,"flows":1,"hours":[20]}` + "\n"
	stored := func() *face { return &face{status: http.StatusOK, body: accepted} }
	replayed := func() *face {
		return &face{status: http.StatusOK, body: accepted, header: http.Header{"Idempotency-Replayed": {"true"}}}
	}
	for _, test := range []struct {
		name         string
		face         *face
		stdin, args  string
		code         int
		out, err     string   // what stdout is, and what stderr has in it ("": is empty)
		wantRequests []string // nil: any
	}{
		{"post prints the answer", stored(), `[{"hour":20}]`, "post --key K", exitOK, accepted, "",
			[]string{`POST /flows K [{"hour":20}]`}},
		{"post takes - for stdin", stored(), `{"hour":20}`, "post - --key K", exitOK, accepted, "",
			[]string{`POST /flows K [{"hour":20}]`}},
		{"post splits", stored(), `[1,2,3]`, "post --key K --max-records 2", exitOK, accepted + accepted, "",
			[]string{"POST /flows K [1,2]", "POST /flows K/2 [3]"}},
		{"post notes replayed records", replayed(), `[1]`, "post --key K", exitOK, accepted,
			"flowring: note: 1 record had been stored before with the same key; each counts once", nil},
		{"a refused post is not repeated", problem(400, "A record is not valid", "hour is missing"), `[{}]`, "post --key K",
			exitFailure, "", "flowring: post: line 1: post flows: TARGET: 400 A record is not valid: hour is missing\n",
			[]string{"POST /flows K [{}]"}},
		{"post without an answer in time names the key", problem(503, "Not now", "draining"), `[{}]`, "post --key K --timeout 20ms",
			exitUnavailable, "", "flowring: note: 0 records stored; to go on, run it again with --key K: no record counts twice\n", nil},
		{"post with a wrong number", stored(), `[]`, "post --max-records 0",
			exitUsage, "", "flowring: post: --max-records: 0 is less than 1\n", []string{}},
		{"post with a long key", stored(), `[]`, "post --key " + strings.Repeat("k", 241),
			exitUsage, "", "--key: 241 bytes are more than 240", []string{}},
		{"post of a missing file", stored(), "", "post no-such-file",
			exitFailure, "", "flowring: post: open no-such-file: no such file or directory\n", []string{}},
		{"post of text", stored(), "hour,tx", "post", exitFailure, "", "want records as a JSON array", []string{}},

		{"get prints JSON without a terminal", complete("true", "[]\n"), "", "get 20",
			exitOK, "[]\n", "", []string{"GET /flows?hour=20"}},
		{"get prints a table when asked", complete("true", "[]\n"), "", "get 20 --format table", exitOK,
			"hour 20, from 1970-01-01 20:00 to 21:00 UTC\n\n" +
				"SRC APP  DEST APP  VPC  BYTES TX  BYTES RX\n\n0 flows                        0         0\n", "", nil},
		{"get of a negative hour", complete("true", "[]\n"), "", "get -- -5", exitOK, "[]\n", "", []string{"GET /flows?hour=-5"}},
		{"get of a negative hour without dashes", complete("true", "[]\n"), "", "get -5",
			exitUsage, "", "(a negative hour goes after two dashes: flowring get -- -5)", []string{}},
		{"get notes an unproven answer", complete("unproven", "[]\n"), "", "get 20",
			exitOK, "[]\n", "flowring: note: hour 20 may be incomplete", nil},
		{"get notes an incomplete answer", complete("false", "[]\n"), "", "get 20 --partial",
			exitOK, "[]\n", "flowring: note: hour 20 is incomplete",
			[]string{"GET /flows?hour=20&partial=true"}},
		{"get from another server", &face{status: http.StatusOK, body: "[]\n"}, "", "get 20",
			exitFailure, "", "is this a Flowring node?", nil},
		{"get asks for a complete answer", complete("true", "[]\n"), "", "get 20 --require-complete",
			exitOK, "[]\n", "", []string{"GET /flows?hour=20&require=complete"}},
		{"get with contradicting flags", complete("true", ""), "", "get 20 --require-complete --partial",
			exitUsage, "", "contradict", []string{}},
		{"get of an invalid hour", complete("true", ""), "", "get today",
			exitUsage, "", `flowring: get: "today" is no hour: want a whole number, now, or now-1`, []string{}},
		{"get of a time", complete("true", ""), "", "get 2026-11-30T10:15:00Z",
			exitUsage, "", "want a whole number, now, or now-1; its hour is 498898\n", []string{}},
		{"get in an unknown format", complete("true", ""), "", "get 20 --format xml",
			exitUsage, "", `"xml" is none of table, json, ndjson, csv`, []string{}},
		{"get of an answer that is cut short", complete("true", "[{}"), "", "get 20 --format csv",
			exitFailure, "hour,src_app,dest_app,vpc_id,bytes_tx,bytes_rx\n0,,,,0,0\n", "read the answer: unexpected EOF", nil},
		{"get without an available node", problem(503, "Not now", "no answer from n2"), "", "get 20 --timeout 400ms",
			exitUnavailable, "", "no node answered within 400ms, after TARGET: 503 Not now: no answer from n2\n", nil},

		{"members prints JSON", &face{status: http.StatusOK, body: `{"cluster":"c","node":"n1","members":[],"ring":{}}`}, "", "members",
			exitOK, membersJSON, "", []string{"GET /members"}},
		{"members in an unknown format", complete("true", ""), "", "members --format csv",
			exitUsage, "", `"csv" is none of table, json`, []string{}},
		{"drain of an absent node", problem(409, "The call could lose data", "n4 is absent: start it again"), "", "drain n4",
			exitFailure, "", "flowring: drain: n4: n4 is absent: start it again\n", []string{"POST /admin/drain?node=n4"}},
		{"an invalid target", complete("true", ""), "", "members --target ftp://n1", exitUsage, "", "ftp://n1", []string{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, out, errs := execute(t, test.face, test.stdin, strings.Fields(test.args)...)
			if code != test.code || out != test.out {
				t.Errorf("flowring %s = %d with stdout %q, want %d with %q", test.args, code, out, test.code, test.out)
			}
			if !strings.Contains(errs, test.err) || test.err == "" && errs != "" {
				t.Errorf("flowring %s: stderr %q, want %q", test.args, errs, test.err)
			}
			if got := test.face.requests; test.wantRequests != nil && !slices.Equal(got, test.wantRequests) {
				t.Errorf("flowring %s sent %q, want %q", test.args, got, test.wantRequests)
			}
		})
	}
}

const membersJSON = `{
  "cluster": "c",
  "node": "n1",
  "members": [],
  "ring": {
    "partitions": 0,
    "virtual_nodes": 0,
    "hour_slices": 0,
    "replication_factor": 0,
    "write_quorum": 0,
    "version": ""
  }
}
`

func TestPostReadsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flows.ndjson")
	if err := os.WriteFile(path, []byte("{}\n{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := &face{status: http.StatusOK, body: "{}"}
	code, _, errs := execute(t, f, "", "post", path, "--key", "K")
	if code != exitOK || !slices.Equal(f.requests, []string{"POST /flows K [{},{}]"}) {
		t.Errorf("post %s = %d (%s), sent %q", path, code, errs, f.requests)
	}
}

func TestEachPostDrawsAnotherKey(t *testing.T) {
	f := &face{status: http.StatusOK, body: "{}"}
	for range 2 {
		execute(t, f, "[]", "post")
	}
	if len(f.requests) != 2 || f.requests[0] == f.requests[1] {
		t.Errorf("two runs sent %q, want different keys", f.requests)
	}
}

func TestMembersTable(t *testing.T) {
	view := router.MembersView{
		Cluster: "west", Node: "n1", Ring: router.RingView{ReplicationFactor: 3, WriteQuorum: 2, Version: "abc"},
		Members: []router.Member{
			{Name: "n1", State: "alive", Store: "s1", Established: true,
				Addresses: router.Addresses{HTTP: "h:1", Peer: "h:2", Gossip: "h:3"}, Partitions: 500, Hours: 2, Flows: 1000},
			{Name: "n2", State: "absent", Store: "s2"},
		},
	}
	want := `cluster west as n1 sees it: 3 copies of each batch, 2 acknowledge it, ring abc

NAME  STATE            STORE  HTTP  PEER  GOSSIP  PARTITIONS  HOURS  FLOWS
n1    alive            s1     h:1   h:2   h:3            500      2   1000
n2    absent, joining  s2                                  0      0      0
`
	var got strings.Builder
	if err := printMembers(&got, view); err != nil || got.String() != want {
		t.Errorf("printMembers() = %v with\n%s, want\n%s", err, &got, want)
	}
}

func TestAnInterruptedPostTellsHowToGoOn(t *testing.T) {
	ctx, interrupt := context.WithCancelCause(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		interrupt(fmt.Errorf("interrupt signal received"))
		<-r.Context().Done()
	}))
	defer server.Close()
	var stderr strings.Builder
	args := []string{"post", "--target", server.URL, "--key", "K"}
	code := run(ctx, args, strings.NewReader("[1]"), io.Discard, &stderr)
	if code != exitUnavailable {
		t.Errorf("an interrupted post = %d, want %d", code, exitUnavailable)
	}
	for _, want := range []string{"interrupt signal received", "--key K"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("an interrupted post says %q, want %q in it", &stderr, want)
		}
	}
}

// A node refuses a record with its number and line within the request. The command names the line of the input.
func TestPostNamesOnlyTheLineOfTheInput(t *testing.T) {
	f := refusal(router.Problem{
		Status: 400, Title: "A record is not valid", Detail: `line 2: record 1: field "hour": must be an integer`, Record: new(1), Line: 2,
	})
	_, _, stderr := execute(t, f, "[{},\n\n\n{\"hour\":\n1.5}]", "post", "--key", "K")
	if want := "line 4: 400 A record is not valid: field \"hour\": must be an integer\n"; !strings.HasSuffix(stderr, want) {
		t.Errorf("stderr = %q, want %q at its end", stderr, want)
	}
}
