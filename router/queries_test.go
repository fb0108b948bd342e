package router

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/internal/contract"
	"flowring/router/coding"
)

// manyRows returns n rows of a query by source, of about 70 bytes that compress to a half.
func manyRows(n int) []query.Row {
	rows, text := make([]query.Row, n), longText(32*n)
	for i := range rows {
		rows[i] = query.Row{Key: query.Key{Src: text[32*i : 32*i+32]}, Tx: query.SumOf(int64(i))}
	}
	return rows
}

// withRows returns a Cluster with one answer to all queries.
func withRows(rows *fakeRows) *fake {
	f := newFake()
	f.onQuery = func(context.Context, *query.Spec, contract.Ask) (contract.Rows, error) { return rows, nil }
	return f
}

func TestAQueryFollowsTheClockAndTheNeed(t *testing.T) {
	f := newFake()
	var asked query.Spec
	var need contract.Need
	f.onQuery = func(_ context.Context, spec *query.Spec, ask contract.Ask) (contract.Rows, error) {
		asked, need = *spec, ask.Need
		return &fakeRows{complete: contract.Unproven}, nil
	}
	h := New(Config{}, Deps{Cluster: f, Log: discard, Now: func() time.Time { return time.Unix(1000*3600+5, 0) }})
	w := getFrom(h, "/flows?from=-24h&partial=true&group_by=day")
	want := query.Spec{From: 976, To: 1001, Group: query.FieldsOf(query.Day)}
	if w.Code != 200 || asked.From != want.From || asked.To != want.To || asked.Group != want.Group || need != contract.NeedPartial {
		t.Errorf("GET = %d, asks %+v with the need %v, want %+v and partial", w.Code, asked, need, want)
	}
	if got := w.Header().Get("Flowring-Complete"); got != "unproven" {
		t.Errorf("Flowring-Complete = %q, want unproven (P5)", got)
	}
}

func TestAnAnswerHasTheTimeOfItsHours(t *testing.T) {
	f := withRows(&fakeRows{complete: contract.Complete, rows: []query.Row{{Key: query.Key{Time: 498897}}}})
	h, _ := handlerFor(Config{}, f)
	want := `[{"hour":498897,"time":"2026-11-30T09:00:00Z","bytes_tx":0,"bytes_rx":0}]` + "\n"
	if w := getFrom(h, "/flows?from=1&to=2&group_by=hour"); w.Body.String() != want {
		t.Errorf("GET = %s, want %s", w.Body, want)
	}
}

// The node is asked with its own tags, and the client has the tags of its form.
// P5: an answer of which hours have expired or were erased says so, also without its body.
func TestAnAnswerSaysWhereItBegins(t *testing.T) {
	f, from := newFake(), flow.Hour(101)
	f.onQuery = func(context.Context, *query.Spec, contract.Ask) (contract.Rows, error) {
		return &fakeRows{complete: contract.Complete, tag: "t", from: &from, erased: 1_000_000_000}, nil
	}
	f.onHours = func(context.Context, flow.Hour, flow.Hour, contract.Ask) (contract.Hours, error) {
		return contract.Hours{From: &from, Erased: 1_000_000_000}, nil
	}
	f.onNames = func(context.Context, contract.NamesAsk) (contract.Names, error) {
		return contract.Names{From: &from, Erased: 1_000_000_000}, nil
	}
	h, _ := handlerFor(Config{}, f)
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		for _, target := range []string{"/flows?from=1&to=200", "/hours?from=1&to=200", "/names?from=1&to=200&field=app"} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(method, target, nil))
			if got := w.Header().Get("Flowring-From"); w.Code != 200 || got != "101" {
				t.Errorf("%s %s = %d from %q, want 200 from 101", method, target, w.Code, got)
			}
			if got := w.Header().Get("Flowring-Erased"); got != "2001-09-09T01:46:40Z" {
				t.Errorf("%s %s was erased at %q, want 2001-09-09T01:46:40Z", method, target, got)
			}
		}
	}
}

func TestATagBelongsToAForm(t *testing.T) {
	f := newFake()
	var known []contract.Tag
	f.onQuery = func(_ context.Context, _ *query.Spec, ask contract.Ask) (contract.Rows, error) {
		known = ask.Known
		return &fakeRows{complete: contract.Complete, tag: "t", rows: []query.Row{{}}}, nil
	}
	h, _ := handlerFor(Config{}, f)
	for _, tt := range []struct {
		query, match string
		want         int
		known        []contract.Tag
	}{
		{"format=csv", `W/"t.csv"`, 304, []contract.Tag{"t"}},
		{"format=csv", `W/"s.csv", W/"t.csv"`, 304, []contract.Tag{"s", "t"}},
		{"format=csv", `W/"t.json"`, 200, nil},
		{"format=json", `W/"t"`, 200, nil},
		{"format=json", `W/"t.json"`, 304, []contract.Tag{"t"}},
		{"format=json&numbers=string", `W/"t.json"`, 200, nil},
		{"format=json&numbers=string", `W/"t.json.string"`, 304, []contract.Tag{"t"}},
		{"format=ndjson", "*", 304, []contract.Tag{contract.AnyTag}},
	} {
		r := httptest.NewRequest("GET", "/flows?from=1&to=2&group_by=&"+tt.query, nil)
		r.Header.Set("If-None-Match", tt.match)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tt.want || !slices.Equal(known, tt.known) || (w.Body.Len() == 0) != (tt.want == 304) {
			t.Errorf("%s with %s = %d, the node is asked with %q; want %d, %q", tt.query, tt.match, w.Code, known, tt.want, tt.known)
		}
	}
}

// P5: an answer that breaks off never looks like a whole one, in any form, compressed or not, held or streamed.
func TestATruncatedQueryDoesNotEndLikeAWholeOne(t *testing.T) {
	for _, form := range []string{"json", "ndjson", "csv"} {
		for _, c := range []coding.Coding{coding.Identity, coding.Zstd} {
			for name, broken := range map[string]error{"negative control: it does not break off": nil, "it breaks off": errors.New("lost")} {
				rows := &fakeRows{complete: contract.Complete, rows: manyRows(10_000), err: broken}
				url, reg := serve(t, Config{}, withRows(rows))
				resp, err := getCoded(url+"/flows?from=1&to=2&group_by=src_app&format="+form, c)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(decoded(t, resp.Body, c))
				resp.Body.Close()
				if (err == nil) != (broken == nil) || !rows.closed {
					t.Errorf("%s %s, %s: %d bytes, %v, closed %t", form, c, name, len(body), err, rows.closed)
				}
				if broken != nil {
					wantMetric(t, reg, "flowring_http_answers_broken_total", 1)
				}
			}
		}
	}
}

// A refusal of the first row is a refusal of the whole query, with its own status.
func TestARefusalBeforeTheFirstByteIsAnswered(t *testing.T) {
	for want, err := range map[int]error{400: contract.Query.Errorf("too many groups"), 503: errors.New("disk at 10.0.0.1 lost")} {
		h, _ := handlerFor(Config{}, withRows(&fakeRows{complete: contract.Complete, rows: manyRows(3), err: err}))
		w := getFrom(h, "/flows?from=1&to=2&group_by=src_app")
		if w.Code != want || w.Header().Get("Flowring-Complete") != "" || strings.Contains(w.Body.String(), "10.0.0.1") {
			t.Errorf("GET = %d %v %s, want %d that does not claim to be complete", w.Code, w.Header(), w.Body, want)
		}
	}
}

// Whether a sum is too large, and where the next page begins, is known at the end: a header of a short answer, a
// trailer of a long one.
func TestTheEndOfAnAnswerIsAHeaderOrATrailer(t *testing.T) {
	saturated := query.Row{Tx: query.Sum{Low: math.MaxInt64 + 1}}
	for _, tt := range []struct {
		name, query string
		rows        int
		trailer     bool
	}{
		{"short", "", 1, false}, {"long", "", 5000, true}, {"a page of 5000 rows", "&limit=5000", 5000, false},
		{"short CSV", "&format=csv", 1, false}, {"short NDJSON", "&format=ndjson", 1, false}, {"a page of CSV", "&format=csv&limit=5000", 5000, false},
		{"a page of 50,000 rows", "&limit=50000", 50_000, true},
	} {
		f := withRows(&fakeRows{complete: contract.Complete, rows: append(manyRows(tt.rows), saturated), more: true})
		address, _ := serve(t, Config{}, f)
		resp, err := http.Get(address + "/flows?from=1&to=2&group_by=src_app" + tt.query)
		if err != nil {
			t.Fatal(err)
		}
		_, announced := resp.Trailer["Flowring-Saturated"]
		if announced != tt.trailer {
			t.Errorf("%s: the trailers %v are announced, want some: %t", tt.name, resp.Trailer, tt.trailer)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		end, other := resp.Header, resp.Trailer
		if tt.trailer {
			end, other = other, end
		}
		if end.Get("Flowring-Saturated") != "true" || !strings.HasSuffix(end.Get("Link"), `>; rel="next"`) {
			t.Errorf("%s: the end has %v, want Flowring-Saturated and Link", tt.name, end)
		}
		if other.Get("Flowring-Saturated") != "" || other.Get("Link") != "" {
			t.Errorf("%s: the end is also in %v", tt.name, other)
		}
	}
}

// Following the links gives all groups, each once and in order, and the same as one answer without pages.
func TestPagesTogetherAreTheWholeAnswer(t *testing.T) {
	f := newFake()
	h, _ := handlerFor(Config{}, f)
	for i := range 7 {
		body := fmt.Sprintf(`[{"src_app":"a&b=%d*","dest_app":"d","vpc_id":"v","bytes_tx":1,"bytes_rx":2,"hour":%d}]`, i, i%3)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, httptest.NewRequest("POST", "/flows", strings.NewReader(body))); w.Code != 200 {
			t.Fatalf("POST = %d %s", w.Code, w.Body)
		}
	}
	for _, order := range []string{"", "&sort=-src_app", "&sort=hour"} {
		target := "/flows?from=0&to=3&group_by=hour,src_app&src_app=a%26b*" + order
		whole := rowsAt(t, h, target)
		if len(whole) != 7 {
			t.Fatalf("GET %s has %d rows, want 7", target, len(whole))
		}
		var paged []map[string]any
		pages := 0
		for next := target + "&limit=3"; next != ""; pages++ {
			w := getFrom(h, next)
			next = ""
			if link, ok := strings.CutSuffix(w.Header().Get("Link"), `>; rel="next"`); ok {
				next = strings.TrimPrefix(link, "<")
			}
			var rows []map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &rows); err != nil {
				t.Fatalf("%s: %v", w.Body, err)
			}
			paged = append(paged, rows...)
		}
		if got, want := fmt.Sprint(paged), fmt.Sprint(whole); got != want || pages != 3 {
			t.Errorf("%d pages of %s have\n%s, want\n%s", pages, target, got, want)
		}
	}
}

func rowsAt(t *testing.T, h http.Handler, target string) (rows []map[string]any) {
	t.Helper()
	w := getFrom(h, target)
	if err := json.NewDecoder(bytes.NewReader(w.Body.Bytes())).Decode(&rows); err != nil {
		t.Fatalf("GET %s = %d %s: %v", target, w.Code, w.Body, err)
	}
	return rows
}

func TestACursorOfAnotherQueryIsRefused(t *testing.T) {
	f := withRows(&fakeRows{complete: contract.Complete, rows: manyRows(2), more: true})
	h, _ := handlerFor(Config{}, f)
	link := getFrom(h, "/flows?from=1&to=2&group_by=src_app&limit=2").Header().Get("Link")
	u, err := url.Parse(strings.TrimSuffix(strings.TrimPrefix(link, "<"), `>; rel="next"`))
	if err != nil {
		t.Fatal(err)
	}
	if w := getFrom(h, u.String()); w.Code != 200 {
		t.Errorf("the next page = %d %s", w.Code, w.Body)
	}
	values := u.Query()
	values.Set("src_app", "x")
	if w := getFrom(h, "/flows?"+values.Encode()); w.Code != 400 || !strings.Contains(w.Body.String(), "another query") {
		t.Errorf("the cursor with another filter = %d %s, want 400", w.Code, w.Body)
	}
}

func TestQueriesAreCountedByKind(t *testing.T) {
	f := newFake()
	f.onHours = func(context.Context, flow.Hour, flow.Hour, contract.Ask) (contract.Hours, error) {
		return contract.Hours{Totals: []contract.HourTotals{{}, {}}}, nil
	}
	f.onQuery = func(_ context.Context, spec *query.Spec, _ contract.Ask) (contract.Rows, error) {
		return &fakeRows{complete: contract.Complete, rows: manyRows(5)}, nil
	}
	h, reg := handlerFor(Config{}, f)
	for _, target := range []string{
		"/flows?from=1&to=2&top=5&group_by=src_app", "/flows?from=1&to=2&top=5&group_by=src_app&series=hour", "/flows?from=1&to=2",
		"/flows?from=1&to=2&limit=5", "/flows?from=1&to=2&sort=bytes&limit=5", "/hours?from=1&to=2", "/names?from=1&to=2&field=app",
	} {
		getFrom(h, target)
	}
	for kind, rows := range map[string]float64{"top": 5, "series": 5, "groups": 5, "page": 5, "sorted": 5, "hours": 2, "names": 0} {
		wantMetric(t, reg, "flowring_http_query_rows_total", rows, "kind", kind)
	}
}

// P16: the rows of a long answer are never in memory together.
func TestRowsAreSentWhileTheyAreRead(t *testing.T) {
	sent := make(chan struct{})
	f := newFake()
	f.onQuery = func(context.Context, *query.Spec, contract.Ask) (contract.Rows, error) {
		return &slowRows{fakeRows{complete: contract.Complete, rows: manyRows(5000)}, sent}, nil
	}
	address, _ := serve(t, Config{}, f)
	resp, err := http.Get(address + "/flows?from=1&to=2&group_by=src_app")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	first := make([]byte, 1)
	if _, err := io.ReadFull(resp.Body, first); err != nil { // while All waits
		t.Fatal(err)
	}
	close(sent)
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Error(err)
	}
}

// A viewer gets the rows of its query, and then what changes in them, without compression.
func TestAViewerOfAStream(t *testing.T) {
	f := newFake()
	address, reg := serve(t, Config{}, f)
	post := func(app string) {
		body := strings.NewReader(`[{"src_app":"` + app + `","dest_app":"d","vpc_id":"v","bytes_tx":1,"bytes_rx":2,"hour":1}]`)
		resp, err := http.Post(address+"/flows", "application/json", body)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("POST = %v, %v", resp, err)
		}
		resp.Body.Close()
	}
	post("a")
	resp, err := http.Get(address + "/flows/stream?from=1&to=2&group_by=src_app")
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(resp.Body)
	want := func(text string) {
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatalf("no line with %s: %v", text, err)
			}
			if strings.Contains(line, text) {
				return
			}
		}
	}
	want(`data: {"complete":"true","rows":[{"src_app":"a","bytes_tx":1,"bytes_rx":2}]}`)
	wantMetric(t, reg, "flowring_http_viewers", 1)
	post("b")
	want(`data: {"complete":"true","rows":[{"src_app":"b","bytes_tx":1,"bytes_rx":2}],"removed":[]}`)
	resp.Body.Close()
	wantMetric(t, reg, "flowring_http_viewers", 0)
	wantMetric(t, reg, "flowring_http_streams", 0)
}
