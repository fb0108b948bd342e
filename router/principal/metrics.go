package principal

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"flowring/router/admission"
)

// The reasons for which --auth required would refuse a request.
const (
	reasonMissing = "missing" // no token and no certificate
	reasonToken   = "unknown" // a token or certificate that is not usable
	reasonScope   = "scope"   // a principal without the scope
)

// maxAddresses is the greatest number of addresses with series of their own. Further ones count as addressOther.
const maxAddresses = 100

const addressOther = "other"

// metrics are the metrics of a Gate.
type metrics struct {
	required prometheus.Gauge
	passed   *prometheus.CounterVec // by reason and address

	mu        *sync.Mutex
	addresses map[string]bool // with series, at most maxAddresses
}

// newMetrics registers the metrics with reg, unless reg is nil.
func newMetrics(reg prometheus.Registerer) metrics {
	f := promauto.With(reg)
	m := metrics{
		required: f.NewGauge(prometheus.GaugeOpts{Name: "flowring_auth_required",
			Help: "1 if requests without a usable token or certificate are refused."}),
		passed: f.NewCounterVec(prometheus.CounterOpts{Name: "flowring_auth_passed_total",
			Help: "Requests answered by --auth permissive that --auth required refuses, by reason and address."},
			[]string{"reason", "address"}),
		mu: new(sync.Mutex), addresses: map[string]bool{},
	}
	for _, reason := range [...]string{reasonMissing, reasonToken, reasonScope} {
		m.passed.WithLabelValues(reason, addressOther) // the first request must show as an increase
	}
	return m
}

// countPassed counts a request from an address.
func (m *metrics) countPassed(reason, remote string) {
	m.passed.WithLabelValues(reason, m.label(admission.ClientAddr(remote).String())).Inc()
}

// label returns the label of an address.
func (m *metrics) label(address string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.addresses[address] {
		if len(m.addresses) >= maxAddresses {
			return addressOther
		}
		m.addresses[address] = true
	}
	return address
}
