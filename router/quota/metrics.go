package quota

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// maxLabels is the greatest number of principals with series of their own. Further ones count as nameOther.
const maxLabels = 1000

// nameOther is no name of a principal.
const nameOther = "*"

// metrics count the refusals. Accounts.mu guards names.
type metrics struct {
	refusals *prometheus.CounterVec // by principal and limit
	names    map[string]bool        // with series, at most maxLabels
}

// newMetrics registers the metrics with reg, unless reg is nil.
func newMetrics(reg prometheus.Registerer) metrics {
	m := metrics{
		refusals: promauto.With(reg).NewCounterVec(prometheus.CounterOpts{Name: "flowring_principal_refusals_total",
			Help: "POSTs refused for a limit of their principal, by principal and limit."}, []string{"principal", "limit"}),
		names: map[string]bool{},
	}
	m.refusals.WithLabelValues(nameOther, LimitRecords) // the first refusal must show as an increase
	m.refusals.WithLabelValues(nameOther, LimitBytes)
	return m
}

// count counts a refusal.
func (m *metrics) count(name, limit string) {
	if !m.names[name] && len(m.names) >= maxLabels {
		name = nameOther
	} else {
		m.names[name] = true
	}
	m.refusals.WithLabelValues(name, limit).Inc()
}
