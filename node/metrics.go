package node

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"flowring/internal/buildinfo"
)

// newRegistry returns a registry with what every Go process has to say, and which program it is.
func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(buildinfo.Collector(), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// registerMetrics makes the numbers of the node's parts readable at /metrics. They are read when asked for.
func (n *Node) registerMetrics() {
	gauge := func(name, help string, read func() float64) {
		n.deps.Registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "flowring", Name: name, Help: help}, read))
	}
	counter := func(name, help string, read func() float64) {
		n.deps.Registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "flowring", Name: name, Help: help}, read))
	}
	gauge("store_hours", "Hours with data held here.", func() float64 { return float64(n.store.Stats().Hours) })
	gauge("store_slices", "Slices with data held here.", func() float64 { return float64(n.store.Stats().Slices) })
	gauge("store_flows", "Flows of the slices in memory.", func() float64 { return float64(n.store.Stats().Flows) })
	gauge("store_resident_bytes", "Estimate of the memory that slices take.", func() float64 { return float64(n.store.Stats().ResidentBytes) })
	counter("store_batches_applied_total", "Batches added to the totals.", func() float64 { return float64(n.store.Stats().Applied) })
	counter("store_batches_known_total", "Batches that came again.", func() float64 {
		stats := n.store.Stats()
		return float64(stats.Known + stats.Same)
	})
	counter("store_saturated_total", "Totals cut to 2^63-1.", func() float64 { return float64(n.store.Stats().Saturated) })
	counter("disk_refusals_total", "Batches not admitted here for want of disk space.", func() float64 { return float64(n.fullCount.Load()) })
	gauge("members_alive", "Live nodes, this one included.", func() float64 { return float64(len(n.members.View().Nodes)) })
	gauge("roster_stores", "Stores on the roster that are not forgotten.", func() float64 { return float64(len(n.membership.Roster().Stores())) })
	gauge("roster_established", "Stores on the roster that count.", func() float64 { return float64(len(n.membership.Roster().Established())) })
	gauge("ready", "1 if this node may be sent requests.", func() float64 {
		if n.Ready() != nil {
			return 0
		}
		return 1
	})
	gauge("repair_slices", "Slices that repair compares in full at this moment.", func() float64 {
		moving, _ := n.replicas.Progress()
		return float64(moving)
	})
	gauge("repair_batches_behind", "Batches known to be missing here.", func() float64 {
		_, behind := n.replicas.Progress()
		return float64(behind)
	})
	counter("repair_batches_fetched_total", "Batches fetched from other stores.", func() float64 { return float64(n.replicas.Fetched()) })
	counter("handed_over_slices_total", "Slices dropped here once their replicas held them.", func() float64 { return float64(n.replicas.HandedOver()) })
}
