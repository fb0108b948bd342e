package ingest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"flowring/flow"
	"flowring/flow/ingest"
	"flowring/flow/ingest/preset"
	"flowring/internal/contract"
	"flowring/internal/lograte"
	"flowring/router/principal"
)

// Config has the settings.
type Config struct {
	Presets  *preset.Set
	Names    func() ingest.Names // the names of addresses now
	Observed []netip.Prefix      // the ranges whose hosts report their own traffic
	MaxBody  int64               // bytes of the records of a delivery, decompressed
	MaxParts int                 // records of hours that a body may become; 0: DefaultMaxParts
	MaxHours int                 // hours of one call to the cluster

	MaxPoints     int // data points of a body of OTLP; 0: DefaultMaxPoints
	MaxAttributes int // attributes of a body of OTLP; 0: DefaultMaxAttributes
}

// DefaultMaxParts is the default of Config.MaxParts.
const DefaultMaxParts = 1_000_000

// Received is a body that has been received (package reception). Its context ends with the client, and when the outcome
// is due.
type Received interface {
	context.Context
	Decode(fn func(body []byte) error) error // gives the decompressed body to fn, which must keep no part of it
	Reserve(bytes int64) error               // charges for more memory
	Outcome(records int) error               // charges for the records
	Close()
}

// Hours are the hours that the cluster takes now: from <= hour <= to.
type Hours func() (from, to flow.Hour)

// Deps are the collaborators of a Handler.
type Deps struct {
	Receive  func(r *http.Request, who principal.Principal) (key string, received Received, err error)
	Post     func(ctx context.Context, p *flow.Posting) (replayed bool, err error)
	Refuse   func(w http.ResponseWriter, r *http.Request, err error)
	Hours    Hours
	Log      *slog.Logger
	Registry prometheus.Registerer // nil: the metrics are counted and not registered
	Now      func() time.Time
}

// Handler answers POST /ingest/PRESET and POST /v1/metrics.
type Handler struct {
	Config
	Deps
	otlpPresets []*preset.Preset
	metrics     metrics
	setAside    map[event]*lograte.Limiter // one for each preset and each of faults, so that none hides another
}

// event is a kind of log line.
type event struct {
	preset string
	reason ingest.Reason
}

// faults are the reasons that are logged, because something is wrong with the records or with the preset.
var faults = [...]ingest.Reason{
	ingest.UnknownReporter, ingest.DataLost, ingest.Malformed, ingest.BadNumber, ingest.BadTime, ingest.BadName,
	ingest.NoName,
}

// New returns a handler.
func New(cfg Config, deps Deps) *Handler {
	if cfg.Names == nil {
		cfg.Names = func() ingest.Names { return nil }
	}
	if cfg.MaxParts <= 0 {
		cfg.MaxParts = DefaultMaxParts
	}
	if cfg.MaxPoints <= 0 {
		cfg.MaxPoints = DefaultMaxPoints
	}
	if cfg.MaxAttributes <= 0 {
		cfg.MaxAttributes = DefaultMaxAttributes
	}
	h := &Handler{
		Config: cfg, Deps: deps, metrics: newMetrics(deps.Registry, cfg.Presets.Names()),
		setAside: map[event]*lograte.Limiter{},
	}
	for _, name := range cfg.Presets.Names() {
		for _, why := range faults {
			h.setAside[event{name, why}] = new(lograte.Limiter)
		}
		if p := cfg.Presets.Get(name); p.Form == "otlp" {
			h.otlpPresets = append(h.otlpPresets, p)
		}
	}
	return h
}

// Post answers a POST of a principal to the path of a preset.
func (h *Handler) Post(w http.ResponseWriter, r *http.Request, who principal.Principal, name string) {
	d := &delivery{request: r.Header.Get(firehoseRequest), now: h.Now()}
	m, err := h.post(r, who, name)
	if err != nil {
		h.Refuse(d.refusal(w), r, err)
		return
	}
	h.count(r, m)
	w.Header().Set("Content-Type", "application/json")
	if m.replayed {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	w.Write(d.answer(m)) // fails only if the client is gone
}

// post takes a request from its headers to its outcome.
func (h *Handler) post(r *http.Request, who principal.Principal, name string) (*mapped, error) {
	p := h.Presets.Get(name)
	if p != nil && p.Form == "otlp" {
		return nil, contract.NotFound.Errorf("metrics of OTLP for the preset %s go to /v1/metrics", p.Name)
	}
	if p == nil {
		return nil, contract.NotFound.Errorf("/ingest has no preset %.64q; flowring presets lists them", name)
	}
	key, received, err := h.Receive(r, who)
	if err != nil {
		return nil, err
	}
	defer received.Close()
	var m *mapped
	err = received.Decode(func(body []byte) error {
		m, err = h.mapBody(p, body, key, received)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := received.Outcome(int(m.Counts.Received.Records)); err != nil {
		return nil, err
	}
	m.posting.IdentifyByKey(who.Name, m.key, m.content)
	m.replayed, err = h.store(received, m)
	return m, err
}

// store stores the posting, without the hours that are too far ahead. The key comes before the floor: an hour that is
// closed belongs to a request of which an earlier attempt may have stored a part, and the cluster knows. If it refuses
// a closed hour, nothing of the request is stored: then the closed hours are dropped, and the rest is stored. The floor
// may rise meanwhile.
func (h *Handler) store(ctx context.Context, m *mapped) (replayed bool, err error) {
	const more = 2 // attempts
	_, to := h.Hours()
	m.drop(math.MinInt64, to)
	replayed, err = h.postAll(ctx, m.posting)
	for rises := 0; ; {
		var closed *contract.HourError
		switch {
		case errors.Is(err, contract.TooOld) && rises < more:
			rises++
			from, _ := h.Hours()
			m.drop(from, to)
		// erased by an operator
		case errors.Is(err, contract.ClosedHour) && errors.As(err, &closed) && m.dropHour(closed.Hour):
		default:
			return replayed, retryable(err)
		}
		replayed, err = h.postAll(ctx, m.posting)
	}
}

// postAll posts the batches of a posting, MaxHours at a time: its parts do not depend on each other.
func (h *Handler) postAll(ctx context.Context, p *flow.Posting) (replayed bool, err error) {
	replayed = len(p.Batches) > 0
	for rest := p.Batches; len(rest) > 0; {
		n := min(len(rest), h.MaxHours)
		again, err := h.Deps.Post(ctx, &flow.Posting{Records: p.Records, Batches: rest[:n], ByKey: true})
		if err != nil {
			return false, err
		}
		replayed, rest = replayed && again, rest[n:]
	}
	return replayed, nil
}

// retryable turns a refusal of the content by a store into one after which senders try again, because they drop a batch
// after a 4xx. The limit that refuses it can be raised meanwhile.
func retryable(err error) error {
	refusal, detail, ok := contract.RefusalOf(err)
	if !ok || refusal.Status() < 400 || refusal.Status() >= 500 {
		return err
	}
	return &contract.UnavailableError{Reason: fmt.Sprintf("a store does not take the records now: %s", detail), Err: err}
}

// count counts a POST that is answered 200.
func (h *Handler) count(r *http.Request, m *mapped) {
	if m.replayed {
		h.metrics.replays.WithLabelValues(m.preset.Name).Inc()
		return
	}
	h.metrics.count(m)
	for _, why := range faults {
		if n := m.Counts.Aside[why].Records; n > 0 && h.setAside[event{m.preset.Name, why}].Allow(h.Now()) > 0 {
			h.Log.WarnContext(r.Context(), "records set aside",
				"preset", m.preset.Name, "client", r.RemoteAddr, "reason", why.String(), "records", n)
		}
	}
}

// firehoseRequest is the header of Firehose with the ID of the delivery.
const firehoseRequest = "X-Amz-Firehose-Request-Id"

// delivery is what an answer needs of its request.
type delivery struct {
	request string // of Firehose; empty: another sender
	now     time.Time
}

// answer returns the body of a 200.
func (d *delivery) answer(m *mapped) []byte {
	if id := cmp.Or(d.request, m.firehose); id != "" {
		return d.firehose(id, "")
	}
	a := struct {
		Received uint64            `json:"received"`
		Kept     uint64            `json:"kept"`
		SetAside map[string]uint64 `json:"set_aside"`
		Hours    []flow.Hour       `json:"hours"`
	}{m.Counts.Received.Records, m.Counts.Kept.Records, map[string]uint64{}, m.posting.Hours()}
	for why := range ingest.Reasons() {
		if n := m.Counts.Aside[why].Records + m.dropped[why].Records; n > 0 {
			a.SetAside[why.String()] = n
		}
	}
	return document(a)
}

// firehose returns the body of an answer to Firehose. It takes a delivery as acknowledged if it has the ID of the
// request.
func (d *delivery) firehose(id, fault string) []byte {
	return document(struct {
		RequestID string `json:"requestId"`
		Timestamp int64  `json:"timestamp"` // milliseconds since 1970
		Fault     string `json:"errorMessage,omitzero"`
	}{id, d.now.UnixMilli(), fault})
}

// refusal returns the writer for a refusal: for Firehose one that writes its form, in which its operator sees the
// message.
func (d *delivery) refusal(w http.ResponseWriter) http.ResponseWriter {
	if d.request == "" {
		return w
	}
	return &problemWriter{ResponseWriter: w, media: "application/json", document: func(_ int, message string) []byte {
		return d.firehose(d.request, message)
	}}
}

// document returns v as a line of JSON.
func document(v any) []byte {
	doc, err := json.Marshal(v)
	if err != nil {
		panic(err) // the values are plain
	}
	return append(doc, '\n')
}
