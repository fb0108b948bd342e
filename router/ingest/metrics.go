package ingest

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"flowring/flow/ingest"
)

// metrics count what presets keep and set aside. The presets of the settings, and the reasons, bound their labels.
type metrics struct {
	records      *prometheus.CounterVec // by preset and outcome: kept or a reason
	bytes        *prometheus.CounterVec // by preset and outcome
	notes        *prometheus.CounterVec // by preset and note
	replays      *prometheus.CounterVec // by preset
	partsRefused prometheus.Counter
	otherPoints  prometheus.Counter
	otlpRefused  *prometheus.CounterVec // by limit
}

func newMetrics(reg prometheus.Registerer, presets []string) metrics {
	f := promauto.With(reg)
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return f.NewCounterVec(prometheus.CounterOpts{Name: "flowring_ingest_" + name, Help: help}, labels)
	}
	m := metrics{
		records: counter("records_total",
			"Records of bodies of presets, by outcome: kept, or the reason for which they are set aside.", "preset", "outcome"),
		bytes: counter("bytes_total", "Bytes of these records, times their sampling rates.", "preset", "outcome"),
		notes: counter("notes_total", "Kept records whose hour is not certain.", "preset", "note"),
		replays: counter("replays_total",
			"Bodies of presets that an earlier attempt had stored. Their records count once.", "preset"),
		partsRefused: f.NewCounter(prometheus.CounterOpts{Name: "flowring_ingest_parts_refusals_total",
			Help: "Bodies refused because they become too many records of hours."}),
		otherPoints: f.NewCounter(prometheus.CounterOpts{Name: "flowring_ingest_otlp_ignored_points_total",
			Help: "Data points of OTLP metrics that no preset names."}),
		otlpRefused: counter("otlp_refusals_total", "Bodies of OTLP metrics refused because of a limit.", "limit"),
	}
	for _, limit := range [...]string{"points", "attributes"} {
		m.otlpRefused.WithLabelValues(limit)
	}
	for _, p := range presets { // the first record set aside must show as an increase
		m.records.WithLabelValues(p, ingest.Kept.String())
		m.bytes.WithLabelValues(p, ingest.Kept.String())
		for why := range ingest.Reasons() {
			m.records.WithLabelValues(p, why.String())
			m.bytes.WithLabelValues(p, why.String())
		}
		for note := range ingest.NumberOfNotes {
			m.notes.WithLabelValues(p, note.String())
		}
		m.replays.WithLabelValues(p)
	}
	return m
}

// count counts a body that is stored. The bytes of hours that the cluster does not take are not kept. A record may have
// other hours, so it counts as kept, and the dropped flows count beside it.
func (m *metrics) count(b *mapped) {
	kept := b.Counts.Kept
	for why := range ingest.Reasons() {
		aside, dropped := b.Counts.Aside[why], b.dropped[why]
		kept.Bytes -= dropped.Bytes
		m.records.WithLabelValues(b.preset.Name, why.String()).Add(float64(aside.Records + dropped.Records))
		m.bytes.WithLabelValues(b.preset.Name, why.String()).Add(float64(aside.Bytes + dropped.Bytes))
	}
	m.records.WithLabelValues(b.preset.Name, ingest.Kept.String()).Add(float64(kept.Records))
	m.bytes.WithLabelValues(b.preset.Name, ingest.Kept.String()).Add(float64(kept.Bytes))
	for note := range ingest.NumberOfNotes {
		m.notes.WithLabelValues(b.preset.Name, note.String()).Add(float64(b.Counts.Notes[note]))
	}
}
