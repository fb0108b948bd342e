package apicheck_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"flowring/internal/apicheck"
	"flowring/router/openapi"
)

func newChecker(t *testing.T) *apicheck.Checker {
	t.Helper()
	c, err := apicheck.New([]byte(openapi.Document()))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const (
	flows   = `[{"src_app":"a","dest_app":"b","vpc_id":"v","bytes_tx":9223372036854775807,"bytes_rx":0,"hour":-5}]`
	problem = `{"type":"/problems/query","title":"t","status":400,"detail":"d"}`
)

// Each exchange with a fault is the negative control of one comparison.
func TestAnExchangeFitsOnlyAsDescribed(t *testing.T) {
	hour := []string{"Content-Type: application/json", "Flowring-Complete: true", "Cache-Control: no-cache", `ETag: W/"x"`}
	refused := []string{"Content-Type: application/problem+json", "Cache-Control: no-store"}
	for _, tt := range []struct {
		name, method, target string
		status               int
		headers              []string
		body                 string
		want                 string // part of the error; "": it fits
	}{
		{"an hour", "GET", "/flows?hour=-5", 200, hour, flows, ""},
		{"an hour past a cache", "GET", "/flows?hour=-5&_=7", 200, hour, flows, ""},
		{"a problem", "GET", "/flows", 400, refused, problem, ""},
		{"a HEAD", "HEAD", "/flows?hour=3", 200, hour, "", ""},
		{"an unchanged hour", "GET", "/flows?hour=3", 304, hour[1:], "", ""},
		{"a path that does not exist", "GET", "/flows/", 404, refused, strings.Replace(strings.Replace(problem, "query", "not-found", 1), "400", "404", 1), ""},
		{"a problem of its own", "GET", "/problems/query", 200, []string{"Content-Type: text/plain; charset=utf-8"}, "advice", ""},
		{"probes add parameters", "GET", "/livez?verbose", 200, []string{"Content-Type: text/plain"}, "ok\n", ""},

		{"another status", "GET", "/flows?hour=3", 418, hour, flows, "no answer 418"},
		{"a status outside of all operations", "GET", "/none", 200, hour, flows, "no answer 200"},
		{"another header", "GET", "/flows?hour=3", 200, append(slices.Clone(hour), "Flowring-New: 1"), flows, "lacks the header Flowring-New"},
		{"a missing header", "GET", "/flows?hour=3", 200, hour[:1], flows, "Flowring-Complete"},
		{"another value of a header", "GET", "/flows?hour=3", 200, append([]string{"Flowring-Complete: maybe"}, hour[:1]...), flows, "Flowring-Complete"},
		{"a missing header of a HEAD", "HEAD", "/flows?hour=3", 200, hour[:1], "", "Flowring-Complete"},
		{"a missing header of an unchanged hour", "GET", "/flows?hour=3", 304, nil, "", "Flowring-Complete"},
		{"another parameter", "GET", "/flows?hour=3&until=4", 200, hour, flows, "lacks the parameter until"},
		{"another value of a parameter", "GET", "/flows?hour=now", 200, hour, flows, "hour"},
		{"another member", "GET", "/flows?hour=3", 200, hour, strings.Replace(flows, `"hour"`, `"week":1,"hour"`, 1), "week"},
		{"a missing member", "GET", "/flows?hour=3", 200, hour, strings.Replace(flows, `"bytes_rx":0,`, "", 1), "bytes_rx"},
		{"another media type", "GET", "/flows?hour=3", 200, append([]string{"Content-Type: text/html"}, hour[1:]...), flows, "text/html"},
		{"another problem", "GET", "/flows", 400, refused, strings.Replace(problem, "query", "record", 1), "record"},
	} {
		h := http.Header{}
		for _, line := range tt.headers {
			name, value, _ := strings.Cut(line, ": ")
			h.Add(name, value)
		}
		err := newChecker(t).Check(httptest.NewRequest(tt.method, tt.target, nil), apicheck.Answer{Status: tt.status, Header: h, Body: []byte(tt.body)})
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Check = %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestAnswersThatNoTestProvokesAreListed(t *testing.T) {
	c := newChecker(t)
	h := c.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusBadRequest)
		w.Write([]byte(problem))
	}))
	before := c.Unseen()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/flows", nil))
	after := c.Unseen()
	seen := slices.DeleteFunc(before, func(name string) bool { return slices.Contains(after, name) })
	if want := []string{"/problems/query", "GET /flows 400"}; !slices.Equal(seen, want) || len(after) < 50 || len(c.Faults()) > 0 {
		t.Errorf("one refusal makes %q seen, leaves %d answers and has the faults %q; want %q", seen, len(after), c.Faults(), want)
	}
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/livez", nil))
	if faults := c.Faults(); len(faults) != 1 || !strings.Contains(faults[0], "no answer 400") {
		t.Errorf("after a refusal of /livez the faults are %q, want one", faults)
	}
}

func TestADocumentThatIsNotValidIsRefused(t *testing.T) {
	for name, change := range map[string][2]string{
		"an older version":                   {`"openapi": "3.1.0"`, `"openapi": "3.0.3"`},
		"a reference to nothing":             {`#/components/schemas/Flow"`, `#/components/schemas/Flaw"`},
		"an example that its schema refuses": {`"example": {"records": 3`, `"example": {"record": 3`},
	} {
		text := strings.Replace(openapi.Document(), change[0], change[1], 1)
		if text == openapi.Document() {
			t.Fatalf("%s: the document has no %q", name, change[0])
		}
		if _, err := apicheck.New([]byte(text)); err == nil {
			t.Errorf("%s: New accepts the document", name)
		}
	}
}
