package router

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/router/admission"
	"flowring/router/quota"
)

// metrics are the metrics of the public API. Each label has a small, fixed set of values.
type metrics struct {
	requests  *prometheus.CounterVec   // by route, method, code
	seconds   *prometheus.HistogramVec // by route, method
	waited    prometheus.Histogram
	inFlight  prometheus.Gauge
	records   prometheus.Counter
	aside     prometheus.Counter
	flows     prometheus.Counter
	replays   prometheus.Counter
	bodyBytes prometheus.Counter
	discarded prometheus.Counter
	refusals  *prometheus.CounterVec // by reason: a problem of the table of refusals
	overloads *prometheus.CounterVec // by limit: of package admission, package quota, or limitReads
	broken    prometheus.Counter

	long        prometheus.Gauge
	longRefused prometheus.Counter
}

// newMetrics registers the metrics with reg, unless reg is nil.
func newMetrics(reg prometheus.Registerer, c *admission.Controller) metrics {
	f := promauto.With(reg)
	counter := func(name, help string) prometheus.Counter {
		return f.NewCounter(prometheus.CounterOpts{Name: "flowring_http_" + name, Help: help})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return f.NewGauge(prometheus.GaugeOpts{Name: "flowring_http_" + name, Help: help})
	}
	m := metrics{
		requests: f.NewCounterVec(prometheus.CounterOpts{Name: "flowring_http_requests_total",
			Help: "Requests by route, method and status code. The code aborted means that the connection was cut."},
			[]string{"route", "method", "code"}),
		seconds: f.NewHistogramVec(prometheus.HistogramOpts{Name: "flowring_http_request_seconds",
			Help:    "Time from the headers of the request to the end of its answer.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 16)},
			[]string{"route", "method"}),
		waited: f.NewHistogram(prometheus.HistogramOpts{Name: "flowring_http_post_wait_seconds",
			Help:    "Time that a POST waited before its body was read.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 4, 8)}),
		inFlight: gauge("in_flight", "Requests being answered."),
		records:  counter("records_accepted_total", "Records stored, without replays."),
		aside: counter("records_set_aside_total",
			"Records that are not valid, left out of lenient requests, without replays."),
		flows:     counter("flows_accepted_total", "Flows of the requests stored, without replays."),
		replays:   counter("posts_replayed_total", "POSTs answered from an earlier POST with its key and content."),
		bodyBytes: counter("body_bytes_total", "Bytes of POST bodies received, before decompression."),
		discarded: counter("body_discarded_bytes_total", "Bytes of bodies read after a refusal, and discarded."),
		refusals: f.NewCounterVec(prometheus.CounterOpts{Name: "flowring_http_refusals_total",
			Help: "Requests refused, by the name of the problem."}, []string{"reason"}),
		overloads: f.NewCounterVec(prometheus.CounterOpts{Name: "flowring_http_overloads_total",
			Help: "Requests refused for a limit of this node, by the limit."}, []string{"limit"}),
		broken: counter("answers_broken_total", "Answers to a GET that broke off after their first byte."),

		long: gauge("long_answers", "Answers to a GET of more than 64 KiB that are being sent."),
		longRefused: counter("long_answers_refused_total",
			"Answers of more than 64 KiB refused, because no place became free in time or too many were waiting."),
	}
	gaugeOf := func(name, help string, value func(admission.Stats) float64) {
		f.NewGaugeFunc(prometheus.GaugeOpts{Name: "flowring_http_" + name, Help: help},
			func() float64 { return value(c.Stats()) })
	}
	gaugeOf("posts", "POSTs in progress, including the waiting ones.",
		func(s admission.Stats) float64 { return float64(s.Posts) })
	gaugeOf("posts_waiting", "POSTs waiting until their bodies are received.",
		func(s admission.Stats) float64 { return float64(s.Waiting) })
	gaugeOf("buffered_bytes", "Bytes of POSTs in progress that count against the limit.",
		func(s admission.Stats) float64 { return float64(s.Bytes) })
	m.start()
	return m
}

// start creates each series with the value 0, because the first refusal must show as an increase.
func (m *metrics) start() {
	for _, limit := range [...]string{
		admission.LimitMemory, admission.LimitPosts, admission.LimitBytes, admission.LimitWait, limitReads, limitRequests,
		quota.LimitBytes, quota.LimitRecords,
	} {
		m.overloads.WithLabelValues(limit)
	}
	for r := range contract.All() {
		if r.Problem() != "" {
			m.refusals.WithLabelValues(r.Problem())
		}
	}
}

// accepted counts a POST with the answer 200.
func (m *metrics) accepted(p *flow.Posting, replayed bool) {
	if replayed {
		m.replays.Inc()
		return
	}
	m.records.Add(float64(p.Records - p.Aside.Records))
	m.aside.Add(float64(p.Aside.Records))
	m.flows.Add(float64(p.Flows()))
}
