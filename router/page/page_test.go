package page

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/net/html"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/flow/query/naive"
	"flowring/internal/contract"
	"flowring/router"
	"flowring/router/rows"
)

// fakeCluster answers queries over its records.
type fakeCluster struct {
	records  []flow.Record
	complete contract.Completeness
	err      error
	members  router.MembersView
	asked    []query.Spec
}

func (f *fakeCluster) Query(_ context.Context, spec *query.Spec, ask contract.Ask) (contract.Rows, error) {
	f.asked = append(f.asked, *spec)
	if f.err != nil {
		return nil, f.err
	}
	rows, more := naive.Rows(spec, f.records)
	return &fakeRows{rows, more, f.complete}, nil
}

func (f *fakeCluster) Hours(_ context.Context, from, to flow.Hour, _ contract.Ask) (contract.Hours, error) {
	if f.err != nil {
		return contract.Hours{}, f.err
	}
	answer := contract.Hours{Complete: f.complete}
	rows, _ := naive.Rows(&query.Spec{From: from, To: to, Group: query.FieldsOf(query.Hour)}, f.records)
	for _, r := range rows {
		answer.Totals = append(answer.Totals, contract.HourTotals{Hour: flow.Hour(r.Time), Tx: r.Tx, Rx: r.Rx, Complete: f.complete})
	}
	return answer, nil
}

func (f *fakeCluster) Members() router.MembersView { return f.members }

type fakeRows struct {
	rows     []query.Row
	more     bool
	complete contract.Completeness
}

func (f *fakeRows) Complete() contract.Completeness { return f.complete }
func (f *fakeRows) Tag() contract.Tag               { return "tag" }
func (f *fakeRows) Close() error                    { return nil }
func (f *fakeRows) From() *flow.Hour                { return nil }
func (f *fakeRows) Erased() int64                   { return 0 }

func (f *fakeRows) Next() (query.Key, bool) {
	if !f.more {
		return query.Key{}, false
	}
	return f.rows[len(f.rows)-1].Key, true
}

func (f *fakeRows) All() iter.Seq2[query.Row, error] {
	return func(yield func(query.Row, error) bool) {
		for _, r := range f.rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

const nowHour = 498_900

func record(hour flow.Hour, src, dest string, tx int64) flow.Record {
	return flow.Record{
		Key: flow.Key{SrcApp: src, DestApp: dest, VPCID: "vpc"}, Totals: flow.Totals{BytesTx: tx, BytesRx: 2 * tx}, Hour: hour,
	}
}

// get asks for a page and returns its text. The page must be well formed.
func get(t *testing.T, cluster Cluster, target string) (status int, text string) {
	t.Helper()
	h := New(Deps{
		Cluster: cluster,
		Now:     func() time.Time { return time.Unix(nowHour*3600+1800, 0) },
	})
	w := httptest.NewRecorder()
	h.Answer(w, httptest.NewRequest(http.MethodGet, target, nil), nil)
	if csp := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") {
		t.Errorf("GET %s has the policy %q", target, csp)
	}
	root, err := html.Parse(strings.NewReader(w.Body.String()))
	if err != nil {
		t.Fatalf("GET %s: %v", target, err)
	}
	for n := range root.Descendants() {
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("GET %s has the attribute %s=%q, which the policy forbids", target, a.Key, a.Val)
			}
		}
	}
	return w.Code, w.Body.String()
}

func TestEveryPageShowsTheFlows(t *testing.T) {
	cluster := &fakeCluster{complete: contract.Complete, records: []flow.Record{
		record(nowHour, "checkout", "payments", 1000), record(nowHour-1, "storefront", "catalog", 500), record(nowHour-30, "old", "older", 7),
	}}
	for target, wants := range map[string][]string{
		"/":                           {"checkout", "storefront", "4.50 kB", "498"},
		"/explore":                    {"checkout", "catalog", "3.00 kB", "Over time", "Download CSV"},
		"/explore?show=names":         {"checkout", "vpc"},
		"/explore?src_app=check*":     {"checkout"},
		"/explore?from=-40h":          {"older"},
		"/live":                       {"checkout", "/flows/stream?from=now"},
		"/cluster":                    {"partitions"},
		"/?from=498899&to=498900":     {"storefront"},
		"/explore?show=&group=day":    {"2026-11-30"},
		"/explore?group_by=day&top=3": {"2026-11-30", `value="3"`},
		"/explore?group_by=&limit=5":  {"3.00 kB", `value="names" selected`},
		"/explore?sort=-dest_app":     {"checkout", `value="sort=-dest_app" selected`, `&amp;sort=-dest_app" download="flows.csv"`, `class="n">Both</th></tr>`},
		"/explore?show=sort%3Dvpc_id": {"checkout", `value="sort=vpc_id" selected`},
	} {
		status, text := get(t, cluster, target)
		for _, want := range wants {
			if status != http.StatusOK || !strings.Contains(text, want) {
				t.Errorf("GET %s: status %d, the page lacks %q", target, status, want)
			}
		}
		if len(text) > 40<<10 {
			t.Errorf("GET %s has %d bytes", target, len(text))
		}
	}
}

// The page with its files has at most 80 KB.
func TestThePageIsSmall(t *testing.T) {
	h := New(Deps{})
	size := 0
	for _, a := range h.assets {
		size += len(a.content)
	}
	_, text := get(t, &fakeCluster{complete: contract.Complete}, "/")
	if size += len(text); size > 80_000 {
		t.Errorf("a page and its files have %d bytes, want at most 80,000", size)
	}
}

func TestTheOverviewAsksFewQueries(t *testing.T) {
	cluster := &fakeCluster{complete: contract.Complete, records: []flow.Record{record(nowHour, "a", "b", 1)}}
	get(t, cluster, "/")
	if n := len(cluster.asked) + 1; n > 5 { // and the hours
		t.Errorf("the overview asks %d queries, want at most 5", n)
	}
}

// The queries of pages count by kind like those of clients, answered or not.
func TestQueriesOfPagesAreCounted(t *testing.T) {
	reg, log := prometheus.NewRegistry(), new(bytes.Buffer)
	meter := rows.NewMeter(reg, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	cluster := &fakeCluster{complete: contract.Complete, records: []flow.Record{
		record(nowHour, "checkout", "payments", 1000), record(nowHour-1, "storefront", "catalog", 500),
	}}
	h := New(Deps{Cluster: cluster, Meter: meter, Now: func() time.Time { return time.Unix(nowHour*3600, 0) }})
	for _, target := range []string{"/", "/explore", "/explore?show=names&group=src_app", "/live?token=hunter2"} {
		h.Answer(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, target, nil), nil)
	}
	cluster.err = errors.New("lost")
	h.Answer(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil), nil)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][2]uint64{} // by kind: queries, rows
	for _, family := range families {
		for _, m := range family.GetMetric() {
			counts := got[m.GetLabel()[0].GetValue()]
			counts[0], counts[1] = counts[0]+m.GetHistogram().GetSampleCount(), counts[1]+uint64(m.GetCounter().GetValue())
			got[m.GetLabel()[0].GetValue()] = counts
		}
	}
	want := map[string][2]uint64{
		"hours": {2, 2}, "top": {5, 9}, "groups": {3, 6}, "series": {0, 0}, "page": {1, 2}, "sorted": {0, 0}, "names": {0, 0},
	}
	if !maps.Equal(got, want) {
		t.Errorf("the queries and rows of the pages are %v by kind, want %v", got, want)
	}
	if text := log.String(); strings.Count(text, "query ended") != 11 || !strings.Contains(text, "path=/live") || strings.Contains(text, "hunter2") {
		t.Errorf("the log is\n%s\nwant a line for each query, with the path of its page alone", text)
	}
}

// The chart of who talks to whom has the pairs of the top names alone, whatever these names contain.
func TestThePairsAreThoseOfTheTopNames(t *testing.T) {
	cluster := &fakeCluster{complete: contract.Complete}
	for i := range overviewBars {
		cluster.records = append(cluster.records, record(nowHour, fmt.Sprintf("*%d", i), fmt.Sprintf(`\%d`, i), 1000))
	}
	cluster.records = append(cluster.records, record(nowHour, "small1", "little1", 7))
	if _, text := get(t, cluster, "/"); !strings.Contains(text, "1 other application<") || strings.Contains(text, "small1") {
		t.Error("the page has names below the top")
	}
	pairs := cluster.asked[len(cluster.asked)-1].Filters
	if !pairs.Accept("*1", `\2`, "vpc") || pairs.Accept("small1", `\2`, "vpc") || pairs.Accept("*1", "little1", "vpc") {
		t.Errorf("the pairs are those of %v", pairs)
	}
}

// Names are hostile input: they are text in every place.
func TestNamesAreText(t *testing.T) {
	hostile := []string{`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `javascript:alert(1)`, `'; DROP TABLE`, `{{.}}`, "\u202eevil", `a*\b`}
	cluster := &fakeCluster{complete: contract.Complete}
	for i, name := range hostile {
		cluster.records = append(cluster.records, record(nowHour, name, hostile[(i+1)%len(hostile)], int64(1000+i)))
	}
	for _, target := range []string{"/", "/explore", "/live", "/explore?src_app=" + url.QueryEscape(hostile[0]), "/?tz=" + url.QueryEscape(hostile[1])} {
		_, text := get(t, cluster, target)
		root, _ := html.Parse(strings.NewReader(text))
		for n := range root.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			if n.Data == "img" || n.Data == "script" && (n.FirstChild != nil || len(n.Attr) == 0) {
				t.Errorf("GET %s has an element of a name: %v", target, n)
			}
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "href" && strings.HasPrefix(a.Val, "javascript:") {
					t.Errorf("GET %s has the attribute %s=%q", target, a.Key, a.Val)
				}
			}
		}
	}
}

// A link on a name asks for this name alone, whatever it contains.
func TestALinkOnANameFiltersByTheWholeName(t *testing.T) {
	for _, name := range []string{`a*b`, `a\b`, `a\*b`, "plain", `*`} {
		if p := query.ParsePattern(query.Quote(name)); !p.Matches(name) {
			t.Errorf("the pattern %s does not match %s", p, name)
		} else if only, ok := p.Literal(); !ok || only != name {
			t.Errorf("the pattern %s of %s matches other names", p, name)
		}
	}
}

func TestStatesAreShown(t *testing.T) {
	unavailable := &contract.UnavailableError{Reason: "too few of the hour's stores answered", Stores: []string{"n2", "n3"}}
	some := []flow.Record{record(nowHour, "a", "b", 1)}
	for name, tt := range map[string]struct {
		cluster *fakeCluster
		target  string
		status  int
		want    string
	}{
		"empty, with later flows": {&fakeCluster{complete: contract.Complete, records: []flow.Record{record(nowHour-100, "a", "b", 1)}}, "/", 200, "The latest hour with flows"},
		"empty cluster":           {&fakeCluster{complete: contract.Complete}, "/", 200, "Send the first records"},
		"no rows":                 {&fakeCluster{complete: contract.Complete, records: some}, "/explore?src_app=nobody", 200, "No flows match"},
		"unproven":                {&fakeCluster{complete: contract.Unproven, records: some}, "/", 200, "Perhaps not everything"},
		"partial":                 {&fakeCluster{complete: contract.Partial, records: some}, "/?partial=true", 200, "may be too low"},
		"complete":                {&fakeCluster{complete: contract.Complete, records: some}, "/", 200, "hold every acknowledged record"},
		"refused":                 {&fakeCluster{err: unavailable}, "/", 503, "n2, n3"},
		"refused, with a way out": {&fakeCluster{err: unavailable}, "/explore", 503, "partial=true"},
		"a late query":            {&fakeCluster{err: context.DeadlineExceeded}, "/", 503, "Try again"},
		"another error":           {&fakeCluster{err: errors.New("disk")}, "/", 500, "Try again"},
		"a faulty range":          {&fakeCluster{}, "/?from=yesterday", 400, "yesterday"},
		"too many rows":           {&fakeCluster{}, "/explore?rows=20000", 400, "at most 10000 rows"},
	} {
		status, text := get(t, tt.cluster, tt.target)
		if status != tt.status || !strings.Contains(text, tt.want) {
			t.Errorf("%s: status %d, want %d and the text %q:\n%s", name, status, tt.status, tt.want, text)
		}
	}
}

// All pages look for all names, however long or many.
func TestPagesTakeManyAndLongNames(t *testing.T) {
	cluster := &fakeCluster{complete: contract.Complete}
	for i := range 10_000 {
		cluster.records = append(cluster.records, record(nowHour, fmt.Sprintf("%0256d", i), strings.Repeat("x", 256), 1))
	}
	cluster.records = append(cluster.records, record(nowHour, "nearly everything", "sink", 20_000_000))
	for _, target := range []string{"/", "/explore?rows=10000"} {
		if status, text := get(t, cluster, target); status != 200 || !strings.Contains(text, "nearly everything") {
			t.Errorf("GET %s: status %d", target, status)
		}
	}
}

func TestErasedHoursAreShown(t *testing.T) {
	cluster := &fakeCluster{members: router.MembersView{Retention: contract.Retention{
		Expired: 490_000, Removal: contract.Raise{Hour: 490_001, In: 60},
		Erased: []contract.ErasedRange{{From: 100, To: 110, At: 1_000_000_000}, {From: 120, To: 121}},
	}}}
	_, text := get(t, cluster, "/cluster")
	for _, want := range []string{
		"Hours 100 to 109 are erased since 2001-09-09 01:46 UTC.", "Hour 120 is being erased.",
		"Hours below 490000 (2025-11-24 16:00 UTC) are deleted.", "hours below 490001 (2025-11-24 17:00 UTC), in 1 minute at",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestAbsentMembersAreExplained(t *testing.T) {
	member := func(name, state string) router.Member {
		return router.Member{Name: name, State: state, Established: true, Partitions: 100}
	}
	ring := router.RingView{Partitions: 300, ReplicationFactor: 3, WriteQuorum: 2}
	for want, members := range map[string][]router.Member{
		"All stores are there":                         {member("a", "alive"), member("b", "alive"), member("c", "alive")},
		"Answers are complete all the same":            {member("a", "alive"), member("b", "alive"), member("c", "absent")},
		"Writes are refused":                           {member("a", "alive"), member("b", "absent"), member("c", "absent")},
		"An answer may lack records":                   {member("a", "alive"), member("b", "alive"), member("c", "absent"), member("d", "absent")},
		"being drained: 3 of 9 slices":                 {{Name: "a", State: "alive", Established: true, Leaving: true, Drain: &router.Drain{Slices: 9, Secured: 3}}},
		"joining: its copies do not count yet":         {{Name: "a", State: "alive"}},
		"started a short time ago":                     {{Name: "a", State: "alive", Established: true, Recovering: true}},
		"damaged on its disk: 2 batches":               {{Name: "a", State: "alive", Established: true, Unreadable: 2}},
		"compares or fetches 1 hour; lacks 17 batches": {{Name: "a", State: "alive", Established: true, Repairing: 1, Behind: 17}},
	} {
		cluster := &fakeCluster{members: router.MembersView{Members: members, Ring: ring}}
		if _, text := get(t, cluster, "/cluster"); !strings.Contains(text, want) {
			t.Errorf("the page of %+v lacks %q", members, want)
		}
	}
}
