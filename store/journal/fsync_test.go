package journal

import (
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/prometheus/client_golang/prometheus"
)

func TestFsyncsAreCountedByTheirDuration(t *testing.T) {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Buckets: pebble.FsyncLatencyBuckets})
	for _, d := range []time.Duration{50 * time.Microsecond, 3 * time.Millisecond, 3 * time.Millisecond, 700 * time.Millisecond, time.Minute} {
		h.Observe(float64(d))
	}
	m := new(pebble.Metrics)
	m.LogWriter.FsyncLatency = h
	f := fsyncsOf(m)
	if f.Count != 5 || f.Seconds < 60.7 || f.Seconds > 60.8 {
		t.Errorf("%d fsyncs of %f s, want 5 of 60.706", f.Count, f.Seconds)
	}
	for bound, want := range map[float64]uint64{0.0001: 1, 0.0025: 1, 0.005: 3, 0.5: 3, 1: 4, 10: 4} {
		if got := f.Within[bound]; got != want {
			t.Errorf("%d fsyncs within %g s, want %d", got, bound, want)
		}
	}
	if f := fsyncsOf(new(pebble.Metrics)); f.Count != 0 {
		t.Errorf("a journal without a log has %d fsyncs", f.Count)
	}
}
