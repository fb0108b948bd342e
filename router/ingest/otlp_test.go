package ingest

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	collector "go.opentelemetry.io/proto/slim/otlp/collector/metrics/v1"
	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	otlpmetrics "go.opentelemetry.io/proto/slim/otlp/metrics/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"flowring/internal/contract"
	"flowring/router/principal"
)

// observed is a data point of OBI: an agent at the node 192.0.2.1 saw bytes from src to dst.
type observed struct {
	bytes int64
	attrs string // key=value, with spaces between them
	until uint64 // seconds after the start of hour 472222; the interval has 15 of them
}

// sent are the attributes of traffic between two workloads, as the agent of the sender reports it.
const sent = "obi.ip=192.0.2.1 k8s.src.node.ip=192.0.2.1 k8s.dst.node.ip=192.0.2.2 k8s.src.namespace=shop k8s.src.owner.name=cart " +
	"k8s.dst.namespace=shop k8s.dst.owner.name=db k8s.cluster.name=prod src.address=10.0.0.1 dst.address=10.0.0.2 iface="

// delta and cumulative are the temporalities.
const delta, cumulative = 1, 2

// metric is a metric of points.
func metric(name string, temporality int, all ...observed) *otlpmetrics.Metric {
	s := &otlpmetrics.Sum{IsMonotonic: true, AggregationTemporality: otlpmetrics.AggregationTemporality(temporality)}
	for _, o := range all {
		const hour = 472222 * 3600
		p := &otlpmetrics.NumberDataPoint{
			StartTimeUnixNano: (hour + o.until - 15) * 1e9, TimeUnixNano: (hour + o.until) * 1e9,
			Value: &otlpmetrics.NumberDataPoint_AsInt{AsInt: o.bytes},
		}
		for _, text := range strings.Fields(o.attrs) {
			key, value, _ := strings.Cut(text, "=")
			p.Attributes = append(p.Attributes, &common.KeyValue{Key: key, Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: value}}})
		}
		s.DataPoints = append(s.DataPoints, p)
	}
	return &otlpmetrics.Metric{Name: name, Data: &otlpmetrics.Metric_Sum{Sum: s}}
}

const obi = "obi.network.flow.bytes"

func request(all ...*otlpmetrics.Metric) *collector.ExportMetricsServiceRequest {
	return &collector.ExportMetricsServiceRequest{ResourceMetrics: []*otlpmetrics.ResourceMetrics{{
		ScopeMetrics: []*otlpmetrics.ScopeMetrics{{Metrics: all}},
	}}}
}

// export sends a request as a media type, and returns the answer as the generated code reads it.
func (f *fixture) export(t *testing.T, media string, in *collector.ExportMetricsServiceRequest) (*httptest.ResponseRecorder, *collector.ExportMetricsPartialSuccess) {
	t.Helper()
	encode, decode := proto.Marshal, proto.Unmarshal
	if media == "application/json" {
		encode, decode = protojson.Marshal, protojson.Unmarshal
	}
	body, err := encode(in)
	if err != nil {
		t.Fatal(err)
	}
	w := f.metricsOf(media, string(body))
	var out collector.ExportMetricsServiceResponse
	if w.Code == 200 {
		if err := decode(w.Body.Bytes(), &out); err != nil || w.Header().Get("Content-Type") != media {
			t.Fatalf("answer = %q as %s, %v", w.Body, w.Header().Get("Content-Type"), err)
		}
	}
	return w, out.PartialSuccess
}

func (f *fixture) metricsOf(media, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "/v1/metrics", strings.NewReader(body))
	r.Header.Set("Content-Type", media)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	f.Handler.Metrics(w, r, principal.Principal{Name: "agent"})
	return w
}

// The same request counts once, in whichever form its attempts come: a sender repeats its bytes (P2).
func TestDeltaSumsCountOnce(t *testing.T) {
	for _, media := range []string{"application/x-protobuf", "application/json"} {
		f := newFixture(t, Config{})
		in := request(metric(obi, delta, observed{100, sent, 3600}, observed{7, sent, 3615}))
		f.lost = true
		if w, _ := f.export(t, media, in); w.Code != 503 {
			t.Errorf("%s: an answer that is lost = %d %s, want 503", media, w.Code, w.Body)
		}
		for range 2 {
			if w, partial := f.export(t, media, in); w.Code != 200 || partial != nil || w.Header().Get("Idempotency-Replayed") != "true" {
				t.Errorf("%s: the retry = %d %s with %v, want 200, replayed", media, w.Code, w.Body, partial)
			}
		}
		if f.sum() != 107 || len(f.parts) != 2 {
			t.Errorf("%s: stored %d bytes in %d hours, want 107 in 2", media, f.sum(), len(f.parts))
		}
		if w, _ := f.export(t, media, request(metric(obi, delta, observed{100, sent, 30}))); w.Code != 200 || f.sum() != 207 {
			t.Errorf("%s: another interval = %d and %d bytes, want 200 and 207", media, w.Code, f.sum())
		}
	}
}

// A download through a Service stands three times in a plain sum, and once at each end.
func TestADownloadThroughAServiceCountsOnce(t *testing.T) {
	f := newFixture(t, Config{})
	swap := func(text string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(text) }
	in := request(metric(obi, delta,
		observed{100, sent, 30},
		observed{100, sent + " k8s.dst.owner.type=Service", 30},
		observed{104, swap(sent, "obi.ip=192.0.2.1", "obi.ip=192.0.2.2"), 30}, // the receiver's agent, with other headers
		observed{100, swap(sent, "iface=", "iface=eth0"), 30},
	))
	w, partial := f.export(t, "application/x-protobuf", in)
	if w.Code != 200 || partial != nil || f.sum() != 100 {
		t.Errorf("answer = %d with %v, and %d bytes, want 200 and 100", w.Code, partial, f.sum())
	}
	for outcome, n := range map[string]float64{"kept": 1, "repeated": 2, "other-reporter": 1} {
		if got := valueOf(f.Handler.metrics.records.WithLabelValues("obi", outcome)); got != n {
			t.Errorf("%v records %s, want %v", got, outcome, n)
		}
	}
}

// A 4xx would throw the other points away, and the message reaches the log of the agent.
func TestPointsThatDoNotCountAreAPartialSuccess(t *testing.T) {
	for _, c := range []struct {
		name   string
		points *otlpmetrics.Metric
		want   string
	}{
		{"cumulative", metric(obi, cumulative, observed{5, sent, 30}), "1 points cumulative: set OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=delta (flowring presets obi)"},
		{"only the direction", metric(obi, delta, observed{5, "direction=request", 30}), "src.address"},
		{"a negative value", metric(obi, delta, observed{-5, sent, 30}), "1 points with a value that is negative or no integer"},
		{"an hour too far ahead", metric(obi, delta, observed{5, sent, 30 + 1000*3600}), "1 points of hours too far ahead"},
	} {
		for _, media := range []string{"application/x-protobuf", "application/json"} {
			f := newFixture(t, Config{})
			w, partial := f.export(t, media, request(c.points, metric(obi, delta, observed{100, sent, 30})))
			if w.Code != 200 || partial.GetRejectedDataPoints() != 1 || !strings.Contains(partial.GetErrorMessage(), c.want) || f.sum() != 100 {
				t.Errorf("%s as %s: answer = %d with %v, and %d bytes, want 200, 1 with %q, and 100", c.name, media, w.Code, partial, f.sum(), c.want)
			}
		}
	}
}

// Idle agents send equal bodies, and metrics of other kinds are none of our business.
func TestOtherMetricsAndEmptyRequestsAreASuccess(t *testing.T) {
	f := newFixture(t, Config{})
	for range 2 {
		for _, in := range []*collector.ExportMetricsServiceRequest{{}, request(), request(metric(obi, delta)), request(metric("cpu", delta, observed{1, "", 30}))} {
			if w, partial := f.export(t, "application/x-protobuf", in); w.Code != 200 || partial != nil || w.Header().Get("Idempotency-Replayed") != "" {
				t.Errorf("answer = %d with %v", w.Code, partial)
			}
		}
	}
	if f.posts != 0 {
		t.Errorf("%d posts to the cluster, want none", f.posts)
	}
	if got := valueOf(f.Handler.metrics.otherPoints); got != 2 {
		t.Errorf("%v ignored points, want 2", got)
	}
}

// OBI and Beyla in one request, by way of a collector: each preset has a key of its own, and a retry completes the rest.
func TestTwoPresetsInOneRequest(t *testing.T) {
	f := newFixture(t, Config{})
	in := request(metric(obi, delta, observed{100, sent, 30}),
		metric("beyla.network.flow.bytes", delta, observed{11, strings.Replace(sent, "obi.ip", "beyla.ip", 1), 30}))
	f.fail = []error{nil, &contract.UnavailableError{Reason: "few stores"}}
	if w, _ := f.export(t, "application/x-protobuf", in); w.Code != 503 {
		t.Errorf("answer = %d, want 503", w.Code)
	}
	if w, _ := f.export(t, "application/x-protobuf", in); w.Code != 200 || f.sum() != 111 {
		t.Errorf("the retry = %d, and %d bytes, want 200 and 111", w.Code, f.sum())
	}
}

// The exporters of OpenTelemetry try again after 429, 502, 503 and 504, and drop the interval after anything else.
func TestARefusalThatCanPassIsA503(t *testing.T) {
	in := request(metric(obi, delta, observed{100, sent, 30}))
	for name, c := range map[string]struct {
		fail error
		want string
	}{
		"too few stores":   {&contract.UnavailableError{Reason: "few stores"}, "few stores"},
		"an unknown fault": {errors.New("disk"), "failed"},
		"a slow body":      {contract.SlowBody, "store"},
		"a limit of hours": {contract.TooManyFlows, "a store does not take the records now"},
	} {
		for media, form := range map[string]string{"application/x-protobuf": "\x08\x0e\x12", "application/json": `{"code":14,"message":"`} {
			f := newFixture(t, Config{})
			f.fail = []error{c.fail}
			w, _ := f.export(t, media, in)
			if w.Code != 503 || w.Header().Get("Content-Type") != media || !strings.HasPrefix(w.Body.String(), form) || !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("%s, %s: answer = %d %q as %s, want 503 with %q", name, media, w.Code, w.Body, w.Header().Get("Content-Type"), c.want)
			}
			if name == "an unknown fault" && w.Header().Get("Retry-After") == "" {
				t.Errorf("%s: no Retry-After", name)
			}
		}
	}
}

func TestRequestsThatCanNeverBeStoredAreA4xx(t *testing.T) {
	f := newFixture(t, Config{MaxPoints: 2, MaxAttributes: 20, MaxParts: 1})
	text := func(n int, attrs string) string {
		body, err := protojson.Marshal(request(metric(obi, delta, make([]observed, n)...), metric(obi, delta, observed{1, attrs, 30})))
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	for name, c := range map[string]struct {
		media, body string
		status      int
		want        string
	}{
		"text":                    {"text/plain", "x", 415, `{"code":3,"message":"the Content-Type is`},
		"no request":              {"application/json", "[]", 400, "no ExportMetricsServiceRequest"},
		"an empty body of JSON":   {"application/json", "", 400, "the body is empty"},
		"a message that is cut":   {"application/x-protobuf", "\x0a\x05", 400, "\x08\x03\x12"},
		"too many points":         {"application/json", text(2, ""), 413, "--max-otlp-points"},
		"too many attributes":     {"application/json", text(0, strings.Repeat("a=b ", 21)), 413, "--max-otlp-attributes"},
		"too many parts of hours": {"application/json", text(0, sent), 200, "{}"},
	} {
		w := f.metricsOf(c.media, c.body)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s: answer = %d %q, want %d with %q", name, w.Code, w.Body, c.status, c.want)
		}
	}
	for _, limit := range []string{"points", "attributes"} {
		if got := valueOf(f.Handler.metrics.otlpRefused.WithLabelValues(limit)); got != 1 {
			t.Errorf("%v refusals for %s, want 1", got, limit)
		}
	}
	if w := f.send("obi", "{}"); w.Code != 404 || !strings.Contains(w.Body.String(), "/v1/metrics") {
		t.Errorf("POST /ingest/obi = %d %s, want a 404 that names /v1/metrics", w.Code, w.Body)
	}
}
