package router

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metricValue returns the value of a counter or gauge, or the count of a histogram, with the given labels (name,
// value, ...).
func metricValue(t *testing.T, reg *prometheus.Registry, name string, labels []string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			have := []string{}
			for _, l := range m.GetLabel() {
				have = append(have, l.GetName(), l.GetValue())
			}
			if f.GetName() == name && sameLabels(have, labels) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return 0
}

func sameLabels(a, b []string) bool {
	pairs := map[string]string{}
	for i := 0; i < len(a); i += 2 {
		pairs[a[i]] = a[i+1]
	}
	for i := 0; i < len(b); i += 2 {
		if pairs[b[i]] != b[i+1] {
			return false
		}
	}
	return len(a) == len(b)
}

// wantMetric waits for the value of a metric, because a server counts a request after the client has the answer.
func wantMetric(t *testing.T, reg *prometheus.Registry, name string, want float64, labels ...string) {
	t.Helper()
	var got float64
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); {
		if got = metricValue(t, reg, name, labels); got == want {
			return
		}
		runtime.Gosched()
	}
	t.Errorf("%s%q = %v, want %v", name, labels, got, want)
}

func TestRequestsAreCounted(t *testing.T) {
	h, reg := handlerFor(Config{}, newFake())
	record := strings.Trim(smallRecord, "[]")
	three := "[" + record + "," + record + "," + strings.ReplaceAll(record, `"a"`, `"c"`) + "]"
	for range 2 {
		if w := postTo(h, strings.NewReader(three), "Idempotency-Key", "k"); w.Code != 200 {
			t.Fatalf("POST = %d %s", w.Code, w.Body)
		}
	}
	getFrom(h, "/flows?hour=3")
	getFrom(h, "/flows")
	getFrom(h, "/a/path/of/the/clients/own")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("BREW", "/flows", nil))

	wantMetric(t, reg, "flowring_http_requests_total", 2, "route", "/flows", "method", "POST", "code", "200")
	wantMetric(t, reg, "flowring_http_requests_total", 1, "route", "/flows", "method", "GET", "code", "200")
	wantMetric(t, reg, "flowring_http_requests_total", 1, "route", "/flows", "method", "GET", "code", "400")
	wantMetric(t, reg, "flowring_http_requests_total", 1, "route", "other", "method", "GET", "code", "404")
	wantMetric(t, reg, "flowring_http_requests_total", 1, "route", "/flows", "method", "other", "code", "405")
	wantMetric(t, reg, "flowring_http_request_seconds", 2, "route", "/flows", "method", "POST")
	wantMetric(t, reg, "flowring_http_records_accepted_total", 3)
	wantMetric(t, reg, "flowring_http_flows_accepted_total", 2)
	wantMetric(t, reg, "flowring_http_posts_replayed_total", 1)
	wantMetric(t, reg, "flowring_http_body_bytes_total", float64(2*len(three)))
	wantMetric(t, reg, "flowring_http_refusals_total", 1, "reason", "query")
	wantMetric(t, reg, "flowring_http_refusals_total", 1, "reason", "method")
	wantMetric(t, reg, "flowring_http_in_flight", 0)
	wantMetric(t, reg, "flowring_http_buffered_bytes", 0)
}

func TestLabelsAreBounded(t *testing.T) {
	h, reg := handlerFor(Config{}, newFake())
	before := map[string]int{} // series at the start: those of presets are many
	start, _ := reg.Gather()
	for _, f := range start {
		before[f.GetName()] = len(f.GetMetric())
	}
	for i := range 300 {
		r := httptest.NewRequest(fmt.Sprintf("M%d", i), fmt.Sprintf("/%d", i), nil)
		h.ServeHTTP(httptest.NewRecorder(), r)
		r = httptest.NewRequest(http.MethodPost, fmt.Sprintf("/ingest/%d", i), nil)
		h.ServeHTTP(httptest.NewRecorder(), r)
		r = httptest.NewRequest(http.MethodGet, fmt.Sprintf("/problems/%d", i), nil)
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	families, _ := reg.Gather()
	for _, f := range families {
		if n := len(f.GetMetric()); n > max(len(problems()), before[f.GetName()]) {
			t.Errorf("%s has %d series after requests for 300 paths", f.GetName(), n)
		}
	}
}
