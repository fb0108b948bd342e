package watch

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"flowring/flow/query"
	"flowring/internal/contract"
	"flowring/router/ask"
)

// Config holds the limits. A zero field means its default.
type Config struct {
	MaxViewers  int           // at once; default 1000
	MaxRows     int           // of a stream, held in memory; default 10,000
	Every       time.Duration // between the evaluations of a query; default 1 s
	Heartbeat   time.Duration // without an event, until a comment; default 15 s
	SendTimeout time.Duration // for a viewer to take an event; default 30 s
}

// The default limits.
const (
	DefaultMaxViewers = 1000
	DefaultMaxRows    = 10_000
)

// Deps are the collaborators of a Hub. Ending and Registry may be nil.
type Deps struct {
	Query    func(ctx context.Context, spec *query.Spec, ask contract.Ask) (contract.Rows, error)
	Problem  func(err error) []byte // the problem of an error, in JSON on one line
	Now      func() time.Time       // for ranges that are relative to the present hour
	Ending   func() bool            // reports whether viewers should watch at another node
	Registry prometheus.Registerer
}

// Hub has the streams of a node.
type Hub struct {
	Config
	Deps
	metrics metrics

	mu      sync.Mutex
	viewers int
	streams map[string]*stream // by the canonical parameters of the query
}

type metrics struct {
	viewers, streams              prometheus.Gauge
	refused, dropped, evaluations prometheus.Counter
}

// New returns a Hub without streams. It panics when its metrics are already in deps.Registry.
func New(cfg Config, deps Deps) *Hub {
	h := &Hub{Config: cfg, Deps: deps, streams: map[string]*stream{}}
	orDefault(&h.MaxViewers, DefaultMaxViewers)
	orDefault(&h.MaxRows, DefaultMaxRows)
	orDefault(&h.Every, time.Second)
	orDefault(&h.Heartbeat, 15*time.Second)
	orDefault(&h.SendTimeout, 30*time.Second)
	if h.Ending == nil {
		h.Ending = func() bool { return false }
	}
	f := promauto.With(deps.Registry)
	gauge := func(name, help string) prometheus.Gauge {
		return f.NewGauge(prometheus.GaugeOpts{Name: "flowring_http_" + name, Help: help})
	}
	counter := func(name, help string) prometheus.Counter {
		return f.NewCounter(prometheus.CounterOpts{Name: "flowring_http_" + name, Help: help})
	}
	h.metrics = metrics{
		viewers:     gauge("viewers", "Viewers of streams of queries."),
		streams:     gauge("streams", "Different queries with viewers."),
		refused:     counter("viewers_refused_total", "Viewers refused, because there were as many as may be."),
		dropped:     counter("viewers_dropped_total", "Viewers dropped, because they took nothing for too long."),
		evaluations: counter("stream_evaluations_total", "Evaluations of queries for their viewers."),
	}
	return h
}

func orDefault[T int | time.Duration](v *T, def T) {
	if *v <= 0 {
		*v = def
	}
}

// join adds a viewer to the stream of a query. leave must follow.
func (h *Hub) join(q *ask.Query) (*stream, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.viewers >= h.MaxViewers {
		h.metrics.refused.Inc()
		return nil, contract.Overloaded.Errorf("this node has as many viewers of queries as --max-viewers allows: %d",
			h.MaxViewers)
	}
	key := q.Values().Encode()
	s := h.streams[key]
	if s == nil {
		s = newStream(h, q, key)
		h.streams[key] = s
		h.metrics.streams.Inc()
	}
	s.viewers++
	h.viewers++
	h.metrics.viewers.Inc()
	return s, nil
}

// leave takes a viewer off its stream. The last viewer waits for the end of the stream.
func (h *Hub) leave(s *stream) {
	h.mu.Lock()
	h.viewers--
	h.metrics.viewers.Dec()
	s.viewers--
	last := s.viewers == 0
	if last {
		delete(h.streams, s.key)
		h.metrics.streams.Dec()
	}
	h.mu.Unlock()
	if last {
		s.stop()
	}
}
