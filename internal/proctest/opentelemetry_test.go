//go:build linux

package proctest

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"flowring/flow"
)

// agent sends intervals of OBI's metrics to a Collector, with 100 bytes of traffic each, all within one hour.
type agent struct {
	c         *cluster
	collector string
	begin     int // second since 1970
	sent      int // intervals
}

// send sends some intervals, until the Collector has taken each.
func (a *agent) send(intervals int) {
	for range intervals {
		a.sent++
		end := a.begin + 15*a.sent
		body := fmt.Appendf(nil, obiForm, end-15, end)
		a.c.eventually(func() error {
			res, err := a.c.ask(http.MethodPost, "http://"+a.collector+"/v1/metrics", http.Header{"Content-Type": {"application/json"}}, body)
			if err == nil && res.status != http.StatusOK {
				err = fmt.Errorf("the Collector answers %d: %s", res.status, res.body)
			}
			return err
		})
	}
}

// obiForm is a request of OBI with one interval, outside of Kubernetes.
const obiForm = `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"obi.network.flow.bytes","unit":"{bytes}","sum":{` +
	`"aggregationTemporality":1,"isMonotonic":true,"dataPoints":[{"attributes":[` +
	`{"key":"obi.ip","value":{"stringValue":"192.0.2.1"}},{"key":"src.address","value":{"stringValue":"192.0.2.1"}},` +
	`{"key":"dst.address","value":{"stringValue":"198.51.100.2"}}],` +
	`"startTimeUnixNano":"%d000000007","timeUnixNano":"%d000000007","asInt":"100"}]}}]}]}]}`

// repeated waits until each interval has come, and so many repetitions with the bytes of a first attempt.
func (w *way) repeated(intervals, repetitions int) {
	w.t.Helper()
	w.c.eventually(func() error {
		arrivals, bodies := w.arrived(), map[string]bool{}
		for _, a := range arrivals {
			bodies[string(a.body)] = true
		}
		if len(bodies) < intervals || len(arrivals)-len(bodies) < repetitions {
			return fmt.Errorf("%d POSTs of %d bodies came, want %d bodies and %d repetitions", len(arrivals), len(bodies), intervals, repetitions)
		}
		return nil
	})
}

// TestLostAnswersOfTheOpenTelemetryCollector: the configuration of docs/integrations/opentelemetry-collector.md. Answers
// are lost, each attempt reaches another node, and the Collector is killed while its queue has requests that are stored.
func TestLostAnswersOfTheOpenTelemetryCollector(t *testing.T) {
	t.Parallel()
	binary := buildSender(t, "collector")
	c := newCluster(t, 3, 3)
	c.start()
	w := newWay(c)
	a := &agent{c: c, collector: c.host(100) + ":4318", begin: int(time.Date(2026, 11, 30, 7, 0, 0, 0, time.UTC).Unix())}
	config := write(t, "collector.yaml", guide(t, "opentelemetry-collector.md", "receivers:", "0.0.0.0:4318", a.collector,
		"flows.example:8080", w.turns(), "/var/lib/otelcol", t.TempDir(),
		"max_elapsed_time: 0", "max_elapsed_time: 0, initial_interval: 100ms, max_interval: 1s",
		"service:\n", "service:\n  telemetry: {metrics: {level: none}}\n"))
	first := background(t, binary, config)
	w.loseAnswers(5)
	a.send(20)
	w.repeated(20, 5)

	const all = 1 << 30
	w.loseAnswers(all)
	a.send(10)
	w.repeated(10, 1)
	first.Process.Kill()
	first.Wait()
	w.mu.Lock()
	w.lose = 0
	before := len(w.arrivals)
	w.mu.Unlock()
	background(t, binary, config)
	w.repeated(10, before) // so each request of the queue has come again

	want := int64(100 * a.sent)
	if got := w.bytes(flow.Hour(a.begin / 3600)); got != want {
		t.Errorf("%d intervals with lost answers count %d bytes, want %d", a.sent, got, want)
	}
}
