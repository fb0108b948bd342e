package rows

import (
	"context"
	"log/slog"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"flowring/router/parameter"
)

// Meter counts and logs the questions of clients and of pages, by kind. It is safe for concurrent use.
type Meter struct {
	seconds *prometheus.HistogramVec
	rows    *prometheus.CounterVec
	log     *slog.Logger
}

// NewMeter registers the metrics with reg, unless reg is nil. Each kind has its series from the start.
func NewMeter(reg prometheus.Registerer, log *slog.Logger) *Meter {
	f := promauto.With(reg)
	m := &Meter{
		seconds: f.NewHistogramVec(prometheus.HistogramOpts{Name: "flowring_http_query_seconds",
			Help:    "Time of queries from their headers to the end of their answers, or to the last row for a page, by kind.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 16)}, []string{"kind"}),
		rows: f.NewCounterVec(prometheus.CounterOpts{Name: "flowring_http_query_rows_total",
			Help: "Rows in the answers to queries, by kind."}, []string{"kind"}),
		log: log,
	}
	for _, kind := range Kinds() {
		m.seconds.WithLabelValues(kind)
		m.rows.WithLabelValues(kind)
	}
	return m
}

// Begin returns a function that counts and logs a question at its end, answered or not. asked is the URL for the log.
func (m *Meter) Begin(ctx context.Context, kind string, asked *url.URL) (end func(rows int)) {
	start := time.Now()
	return func(rows int) {
		took := time.Since(start)
		m.seconds.WithLabelValues(kind).Observe(took.Seconds())
		m.rows.WithLabelValues(kind).Add(float64(rows))
		if m.log.Enabled(ctx, slog.LevelDebug) { // because Shown parses the query once more
			m.log.DebugContext(ctx, "query ended",
				"kind", kind, "path", asked.Path, "query", parameter.Shown(asked), "rows", rows, "took", took)
		}
	}
}
