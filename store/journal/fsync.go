package journal

import (
	"github.com/cockroachdb/pebble/v2"
	dto "github.com/prometheus/client_model/go"
)

// Fsyncs are the durations of the fsyncs of the write-ahead log since the journal was opened.
type Fsyncs struct {
	Count   uint64
	Seconds float64            // sum
	Within  map[float64]uint64 // by a bound in seconds: the number of fsyncs that took at most so long
}

// fsyncBounds are the bounds of Fsyncs.Within, in seconds.
var fsyncBounds = [...]float64{0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10}

// Fsyncs returns the durations of fsyncs.
func (j *Journal) Fsyncs() Fsyncs {
	if j.beginCall() != nil {
		return Fsyncs{}
	}
	defer j.calls.Done()
	return fsyncsOf(j.db.Metrics())
}

// fsyncsOf reads the histogram of Pebble, whose buckets are finer and in nanoseconds. A fsync counts within the bound
// that its bucket does not exceed.
func fsyncsOf(m *pebble.Metrics) Fsyncs {
	f := Fsyncs{Within: map[float64]uint64{}}
	var text dto.Metric
	if m.LogWriter.FsyncLatency == nil || m.LogWriter.FsyncLatency.Write(&text) != nil {
		return f
	}
	h := text.GetHistogram()
	f.Count, f.Seconds = h.GetSampleCount(), h.GetSampleSum()/1e9
	for _, bound := range fsyncBounds {
		f.Within[bound] = 0
		for _, b := range h.GetBucket() {
			if b.GetUpperBound() <= bound*1e9*(1+1e-9) {
				f.Within[bound] = b.GetCumulativeCount()
			}
		}
	}
	return f
}
