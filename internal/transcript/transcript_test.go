package transcript

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
)

const example = `# About.

=== an exchange
# Why.
POST /echo?x={{hour}}
A: one
A: two

line 1

line 3 {{run}}
--- 200
A: one, two
!B

{{any}}3 {{run}} {{int}}!

=== another
GET /
--- 404
`

func TestParseAndPrintAreInverse(t *testing.T) {
	s, err := parse(example)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.String(); got != example {
		t.Errorf("parse and String of a file = %q, want %q", got, example)
	}
	if len(s.exchanges) != 2 || s.exchanges[0].answer.status != 200 || s.exchanges[0].line != 3 {
		t.Errorf("parse = %+v", s.exchanges)
	}
}

func TestOtherFilesThanTranscriptsAreRefused(t *testing.T) {
	for _, text := range []string{
		"=== no answer\nGET /\n", "=== no request\n--- 200\n", "=== no status\nGET /\n--- \n", "=== empty\n",
	} {
		if _, err := parse(text); err == nil {
			t.Errorf("parse(%q) succeeds", text)
		}
	}
}

func TestDifferencesAreFound(t *testing.T) {
	v := vars{hour: 1000, run: "r"}
	got := received{200, http.Header{"A": {"one", "two"}}, "x=1001 y=-5"}
	for _, tt := range []struct {
		name string
		want answer
		n    int
	}{
		{"all as it is", answer{200, []string{"A: one, two", "!B"}, "x=1001 y=-5"}, 0},
		{"placeholders", answer{200, []string{"A: {{any}}"}, "x={{hour+1}} y={{int}}"}, 0},
		{"any, in the middle", answer{200, nil, "x{{any}}5"}, 0},
		{"another status", answer{201, nil, "{{any}}"}, 1},
		{"a header with another value", answer{200, []string{"A: one"}, "{{any}}"}, 1},
		{"a header that should not be", answer{200, []string{"!A"}, "{{any}}"}, 1},
		{"a header that is not there", answer{200, []string{"B: b"}, "{{any}}"}, 1},
		{"no body", answer{200, nil, ""}, 1},
		{"part of the body", answer{200, nil, "x=1001"}, 1},
		{"a body in another case", answer{200, nil, "X=1001 y=-5"}, 1},
		{"a body with a line end", answer{200, nil, "x=1001 y=-5\n"}, 1},
		{"dots are no patterns", answer{200, nil, "x.1001 y.-5"}, 1},
		{"another hour", answer{200, nil, "x={{hour}} y={{int}}"}, 1},
		{"no integer", answer{200, nil, "{{int}}=1001 y=-5"}, 1},
		{"an unknown placeholder", answer{200, nil, "{{some}}"}, 1},
		{"everything", answer{500, []string{"!A"}, ""}, 3},
	} {
		if diffs := tt.want.differences(got, v); len(diffs) != tt.n {
			t.Errorf("%s: differences = %q, want %d", tt.name, diffs, tt.n)
		}
	}
}

func TestPlaceholdersOfRequests(t *testing.T) {
	v := vars{hour: 1000, run: "r"}
	for text, want := range map[string]string{
		"{{hour}} {{hour+7}} {{run}}":      "1000 1007 r",
		"{{repeat 3 ab}}|{{repeat 2 [}}":   "ababab|[[",
		`[{{repeat 2 {"h":{{hour}}},}}{}]`: `[{"h":1000},{"h":1000},{}]`,
		"{{hex 00ff}}":                     "\x00\xff",
		`{"a":{"b":1}}`:                    `{"a":{"b":1}}`,
	} {
		if got, err := v.expand(text); got != want || err != nil {
			t.Errorf("expand(%q) = %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"{{}}", "{{hours}}", "{{hour+x}}", "{{hex g}}", "{{any}}"} {
		if got, err := v.expand(text); err == nil {
			t.Errorf("expand(%q) = %q, want an error", text, got)
		}
	}
}

func TestRunsUseDifferentHours(t *testing.T) {
	a, b := newVars(), newVars()
	if a.hour == b.hour || a.run == b.run {
		t.Errorf("two runs have %v and %v", a, b)
	}
}

func TestRequestsAreSentAsWritten(t *testing.T) {
	lines := strings.Split("# why\nPUT /a//b?c=%zz\nX: 1\nX: 2\n@gzip\n@chunked\n\nbody {{run}}\n\n", "\n")
	req, err := build("http://h", lines, vars{run: "r"})
	if err != nil {
		t.Fatal(err)
	}
	if got := req.URL.String(); req.Method != "PUT" || got != "http://h/a//b?c=%zz" {
		t.Errorf("request = %s %s", req.Method, got)
	}
	if got := req.Header.Values("X"); len(got) != 2 || len(req.Header) != 1 || req.ContentLength != -1 {
		t.Errorf("headers = %v, length %d; want X twice and no length", req.Header, req.ContentLength)
	}
	z, err := gzip.NewReader(req.Body)
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(z); string(body) != "body r" {
		t.Errorf("body = %q", body)
	}
}

// server echoes body and header A, and answers 404 elsewhere.
func server(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/echo" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	for _, a := range r.Header.Values("A") {
		w.Header().Add("A", a)
	}
	io.Copy(w, r.Body)
	io.WriteString(w, " 42!\n")
}

func TestRun(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(server))
	defer srv.Close()
	file := filepath.Join(t.TempDir(), "example.txt")
	if err := os.WriteFile(file, []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	Run(t, srv.URL, file)
}

// Short answers of busy nodes are no difference, as long as one of the repeated reads has the wanted answer.
func TestAShortReadIsRepeated(t *testing.T) {
	for _, text := range []string{
		"=== complete\nGET /\n--- 200\nFlowring-Complete: true\n", "=== whole\nGET /\n--- 200\n",
	} {
		var asked int
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			switch asked++; asked {
			case 1:
				w.WriteHeader(http.StatusServiceUnavailable)
			case 2:
				w.Header().Set("Flowring-Complete", "unproven")
			default:
				w.Header().Set("Flowring-Complete", "true")
			}
		}))
		defer srv.Close()
		file := filepath.Join(t.TempDir(), "short.txt")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		Run(t, srv.URL, file)
		if wanted := 2 + strings.Count(text, "true"); asked != wanted {
			t.Errorf("%q asked %d times, want %d", text, asked, wanted)
		}
	}
	want := answer{status: 200, headers: []string{"Flowring-Complete: true"}}
	for _, method := range []string{http.MethodPost, http.MethodDelete} {
		if want.mayFollow(method, received{status: 503, headers: http.Header{}}) {
			t.Errorf("a %s is repeated", method)
		}
	}
}

func TestUpdateWritesOnlyTheDifferences(t *testing.T) {
	t.Setenv(updateEnv, "1")
	srv := httptest.NewServer(http.HandlerFunc(server))
	defer srv.Close()
	file := filepath.Join(t.TempDir(), "old.txt")
	old := "=== x\nPOST /echo\nA: a-{{run}}\n\n{{hour}}\n--- 500\nA: old\nB: gone\n!C\n\nold\n\n" +
		"=== y\nGET /\n--- 404\nDate: {{any}}\n"
	want := "=== x\nPOST /echo\nA: a-{{run}}\n\n{{hour}}\n--- 200\nA: a-{{run}}\n!B\n!C\n\n{{hour}} 42!\n\n" +
		"=== y\nGET /\n--- 404\nDate: {{any}}\n"
	if err := os.WriteFile(file, []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	Run(t, srv.URL, file)
	got, err := os.ReadFile(file)
	if err != nil || string(got) != want {
		t.Errorf("updated file = %s, %v, want %s", got, err, want)
	}
}
