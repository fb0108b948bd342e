package collect

import (
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"flowring/flow/ingest"
	"flowring/internal/collect/decode"
)

// handler serves /metrics and /healthz.
func (a *Agent) handler() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector{a})
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", a.health)
	return mux
}

// health answers 503 while the spool takes nothing, because records are lost then.
func (a *Agent) health(w http.ResponseWriter, _ *http.Request) {
	for _, worker := range a.workers {
		worker.mu.Lock()
		full := worker.full
		worker.mu.Unlock()
		if full != nil {
			http.Error(w, "the spool takes nothing: "+full.Error(), http.StatusServiceUnavailable)
			return
		}
	}
	fmt.Fprintln(w, "ok")
}

// collector reads the figures of an agent.
type collector struct{ agent *Agent }

// Describe sends nothing: the set of metrics is fixed by the code.
func (collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c collector) Collect(out chan<- prometheus.Metric) {
	s := sink{out}
	c.ofDatagrams(s)
	c.ofExporters(s)
	c.ofRecords(s)
	c.ofTheSpool(s)
}

// sink sends figures.
type sink struct{ out chan<- prometheus.Metric }

func (s sink) counter(name, help string, v uint64, labels ...string) {
	s.send(prometheus.CounterValue, name, help, float64(v), labels)
}

func (s sink) gauge(name, help string, v int64) {
	s.send(prometheus.GaugeValue, name, help, float64(v), nil)
}

// send sends a figure. labels are at most a name and a value.
func (s sink) send(kind prometheus.ValueType, name, help string, v float64, labels []string) {
	var names, values []string
	if len(labels) == 2 {
		names, values = labels[:1], labels[1:]
	}
	d := prometheus.NewDesc("flowring_collect_"+name, help, names, nil)
	s.out <- prometheus.MustNewConstMetric(d, kind, v, values...)
}

func (c collector) ofDatagrams(s sink) {
	n := &c.agent.counts
	for f := range decode.NumberOfForms {
		s.counter("datagrams_total", "Datagrams that were read.", n.Datagrams[f].Load(), "form", f.String())
	}
	const refused = "Datagrams that were refused as a whole."
	s.counter("datagrams_refused_total", refused, n.Malformed.Load(), "reason", "malformed")
	s.counter("datagrams_refused_total", refused, n.Unknown.Load(), "reason", "version")
	s.counter("datagrams_refused_total", refused, n.Refused.Load(), "reason", "too-many-exporters")
	s.counter("datagrams_refused_total", refused, c.agent.notAllowed.Load(), "reason", "not-allowed")
	const lost = "Datagrams that were lost for lack of room."
	s.counter("datagrams_lost_total", lost, c.agent.lostQueue.Load(), "place", "queue")
	var spool, kernel uint64
	for _, w := range c.agent.workers {
		w.mu.Lock()
		spool += w.losses
		w.mu.Unlock()
	}
	s.counter("datagrams_lost_total", lost, spool, "place", "spool")
	for _, socket := range c.agent.sockets {
		drops, ok := socket.kernelDrops()
		if !ok {
			return
		}
		kernel += drops
	}
	s.counter("datagrams_lost_total", lost, kernel, "place", "kernel")
}

func (c collector) ofExporters(s sink) {
	n := &c.agent.counts
	for f := range decode.NumberOfForms {
		s.counter("sequence_missing_total",
			"Units that sequence numbers say are missing: records of netflow5 and ipfix, datagrams of netflow9 and sflow5.",
			n.Missing[f].Load(), "form", f.String())
		s.counter("sequence_late_total", "Datagrams that later ones overtook.", n.Late[f].Load(), "form", f.String())
	}
	s.counter("sequence_restarts_total", "Sequences that began again.", n.Restarts.Load())
	s.gauge("exporters", "Pairs of an exporter and its domain that are known.", n.Exporters.Load())
	s.counter("exporters_shared_total",
		"Changes back to an earlier port: two exporters may share an address and a domain.",
		n.Shared.Load())
	s.gauge("templates", "Templates that are known.", n.Templates.Load())
	s.counter("templates_refused_total", "Templates beyond a limit.", n.TooMany.Load())
	s.gauge("held_bytes", "Bytes of datagrams that wait for a template.", n.Held.Load())
	s.counter("held_datagrams_total", "Datagrams that waited for a template.", n.HeldTotal.Load())
	s.counter("sets_without_template_total", "Sets that were lost because no template came.", n.NoTemplate.Load())
	s.counter("rate_unknown_total", "Records whose sampler is not known; they have the default rate.", n.NoRate.Load())
	s.counter("rate_changes_total", "Sampling rates that changed, or that came after records.", n.NewRate.Load())
	s.counter("sflow_dropped_samples_total", "Samples that exporters say they dropped.", n.Dropped.Load())
}

func (c collector) ofRecords(s sink) {
	var n ingest.Counts
	var lost ingest.Sum
	for _, w := range c.agent.workers {
		w.mu.Lock()
		n.Add(&w.counts)
		lost = lost.Plus(w.lost)
		w.mu.Unlock()
	}
	each := func(outcome string, sum ingest.Sum) {
		s.counter("records_total", "Records by their fate.", sum.Records, "outcome", outcome)
		s.counter("record_bytes_total", "Bytes of records, times the sampling rate.", sum.Bytes, "outcome", outcome)
	}
	each("kept", n.Kept)
	each("lost-spool", lost)
	for why := range ingest.Reasons() {
		if sum := n.Aside[why]; sum.Records > 0 {
			each(why.String(), sum)
		}
	}
	for note := range ingest.NumberOfNotes {
		s.counter("notes_total", "Records whose hour is not certain.", n.Notes[note], "note", note.String())
	}
}

func (c collector) ofTheSpool(s sink) {
	a := c.agent
	stats, files := a.spool.Stats(), a.files.Stats()
	var errors uint64
	for _, w := range a.workers {
		w.mu.Lock()
		errors += w.errors
		w.mu.Unlock()
	}
	s.gauge("queue_bytes", "Bytes of datagrams that no worker has taken.", a.queued.Load())
	s.gauge("spool_bytes", "Bytes in the spool.", stats.Bytes)
	s.gauge("spool_limit_bytes", "Bytes that the spool may have.", a.cfg.SpoolBytes)
	s.gauge("spool_payloads", "Payloads that are not delivered.", int64(stats.Payloads))
	s.gauge("spool_torn_bytes", "Bytes behind the last whole payload of a segment, as found at the start.", stats.Torn)
	s.counter("spool_errors_total", "Failed writes to the spool, also because it is full.", errors)
	s.counter("spool_damaged_total", "Payloads of the spool that cannot be read. Their records are lost.",
		a.delivered.damaged.Load())
	s.counter("requests_stored_total", "Requests that the cluster has stored.", a.delivered.requests.Load())
	s.counter("requests_replayed_total", "Stored requests that an earlier attempt had stored.",
		a.delivered.replayed.Load())
	s.counter("requests_refused_total", "Requests that a node refused for good. Their records are lost.",
		a.delivered.refused.Load())
	s.counter("request_failures_total", "Attempts without an outcome, which are repeated.", a.delivered.failures.Load())
	s.counter("flows_stored_total", "Records of the stored requests.", a.delivered.flows.Load())
	s.counter("flows_refused_total", "Records of the refused requests.", a.delivered.refusedFlows.Load())
	s.counter("names_failures_total", "Contents of the names file that were not usable.", files.Failures)
	ranges := 0
	if table := a.table(); table != nil {
		ranges = table.Len()
	}
	s.gauge("names_ranges", "Ranges of the names file.", int64(ranges))
}
