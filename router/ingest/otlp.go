package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"flowring/flow/ingest"
	"flowring/flow/ingest/otlp"
	"flowring/flow/ingest/preset"
	"flowring/internal/contract"
	"flowring/router/principal"
)

// The default limits of a body of OTLP.
const (
	DefaultMaxPoints     = 100_000
	DefaultMaxAttributes = 2_000_000
)

// Metrics answers a POST of a principal to /v1/metrics, as the specification of OTLP over HTTP demands: the answer has
// the form of the request, and points that do not count are a partial success with a message, because a sender drops
// its whole request after a 4xx.
func (h *Handler) Metrics(w http.ResponseWriter, r *http.Request, who principal.Principal) {
	form, err := formOfMetrics(r.Header)
	a := newStatusWriter(w, form)
	if err != nil {
		h.Refuse(a, r, err)
		return
	}
	all, err := h.postMetrics(r, who, form)
	if err != nil {
		h.Refuse(a, r, err)
		return
	}
	for _, m := range all.mapped {
		h.count(r, m)
	}
	h.metrics.otherPoints.Add(float64(all.others))
	w.Header().Set("Content-Type", mediaOf(form))
	if len(all.mapped) > 0 && !slices.ContainsFunc(all.mapped, func(m *mapped) bool { return !m.replayed }) {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	w.Write(success(form, all.rejected())) // fails only if the client is gone
}

// formOfMetrics returns the form that the header of a request announces.
func formOfMetrics(h http.Header) (otlp.Form, error) {
	media, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	switch strings.ToLower(strings.TrimSpace(media)) {
	case mediaOf(otlp.Protobuf), "application/protobuf":
		return otlp.Protobuf, nil
	case mediaOf(otlp.JSON):
		return otlp.JSON, nil
	}
	return otlp.JSON, contract.MediaType.Errorf(
		"the Content-Type is %.64q, want application/x-protobuf or application/json", media)
}

func mediaOf(form otlp.Form) string {
	if form == otlp.JSON {
		return "application/json"
	}
	return "application/x-protobuf"
}

// points are the data points of a body, by preset. It implements otlp.Sink.
type points struct {
	handler *Handler
	likely  int       // points
	rows    []*rows   // of the presets of which the body has points
	mapped  []*mapped // of the same, at the end of the body
	others  uint64    // points of metrics that no preset names
	total   uint64
}

// postMetrics takes a request from its headers to its outcome.
func (h *Handler) postMetrics(r *http.Request, who principal.Principal, form otlp.Form) (*points, error) {
	key, received, err := h.Receive(r, who)
	if err != nil {
		return nil, err
	}
	defer received.Close()
	all := &points{handler: h}
	err = received.Decode(func(body []byte) error {
		if form == otlp.JSON { // its objects are in memory together
			if err := received.Reserve(objectSize * int64(bytes.Count(body, []byte("{")))); err != nil {
				return err
			}
		}
		return all.read(body, form, key)
	})
	if err != nil {
		return nil, err
	}
	if err := received.Outcome(int(all.total)); err != nil {
		return nil, err
	}
	for _, m := range all.mapped {
		m.posting.IdentifyByKey(who.Name, m.key, m.content)
		if m.replayed, err = h.store(received, m); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// objectSize is the memory of an object of JSON, in bytes.
const objectSize = 96

// read maps a body. A body without points has no key: idle agents send equal ones.
func (p *points) read(body []byte, form otlp.Form, key string) error {
	h := p.handler
	p.likely = min(len(body)/likelyRow, h.MaxPoints)
	limits := otlp.Limits{Points: h.MaxPoints, Attributes: h.MaxAttributes}
	if err := otlp.Read(body, form, h.otlpPresets, limits, p); err != nil {
		return h.otlpError(err)
	}
	key = plainKey(key, body)
	for _, r := range p.rows {
		p.mapped = append(p.mapped, r.mapped(key))
	}
	return nil
}

// otlpError turns an error of package otlp into a refusal.
func (h *Handler) otlpError(err error) error {
	var body *otlp.BodyError
	var limit *otlp.LimitError
	switch {
	case errors.As(err, &body):
		return contract.Body.Errorf("%s", body.Reason)
	case errors.As(err, &limit):
		h.metrics.otlpRefused.WithLabelValues(limit.Limit).Inc()
		return contract.TooLarge.Errorf("%w (--max-otlp-%s); let the sender send smaller batches", err, limit.Limit)
	}
	return h.formError(err)
}

// of returns the rows of a preset.
func (p *points) of(preset *preset.Preset) *rows {
	for _, r := range p.rows {
		if r.preset == preset {
			return r
		}
	}
	h := p.handler
	r := &rows{preset: preset, to: preset.Engine(h.Names(), h.Observed).NewBody(p.likely), maxParts: h.MaxParts}
	p.rows = append(p.rows, r)
	return r
}

// Row implements otlp.Sink.
func (p *points) Row(preset *preset.Preset, values []string) error {
	p.total++
	return p.of(preset).Row(values)
}

// SetAside implements otlp.Sink.
func (p *points) SetAside(preset *preset.Preset, why ingest.Reason, bytes uint64) {
	p.total++
	if preset == nil {
		p.others++
		return
	}
	p.of(preset).to.SetAside(why, bytes)
}

// rejection is what a sender is told about points that do not count.
type rejection struct {
	points  uint64
	message string // empty: all points count, or are set aside on purpose
}

// advice says for each reason what a sender, or its operator, can change. Points that are set aside on purpose, such as
// those of the other reporter, have none.
var advice = map[ingest.Reason]string{
	ingest.Cumulative: "cumulative: set OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=delta",
	ingest.NoName:     "without names: select the attributes src.* and dst.*",
	ingest.UnknownReporter: "without the attributes that say which end reports: select the address of the agent, " +
		"src.address, dst.address and k8s.*.node.ip",
	ingest.BadNumber: "with a value that is negative or no integer",
	ingest.BadTime:   "with a time that is missing or out of range",
	ingest.BadName:   "with a name of more than 256 bytes, or no UTF-8",
	ingest.TooLarge:  "of more than 2^63-1 bytes",
	ingest.Malformed: "that cannot be read",
	ingest.Expired:   "of closed hours",
	ingest.Future:    "of hours too far ahead: check the clock of the sender",
}

// rejected returns what the sender is told. It is the same for each attempt of a body, as long as the settings are.
func (p *points) rejected() (all rejection) {
	var texts []string
	for _, m := range p.mapped {
		for why := range ingest.Reasons() {
			n := m.Counts.Aside[why].Records + m.dropped[why].Records
			if advice[why] == "" || n == 0 {
				continue
			}
			all.points += n
			texts = append(texts, fmt.Sprintf("%d points %s (flowring presets %s)", n, advice[why], m.preset.Name))
		}
	}
	all.message = strings.Join(texts, "; ")
	return all
}

// success returns an ExportMetricsServiceResponse.
func success(form otlp.Form, r rejection) []byte {
	if form == otlp.JSON {
		if r.message == "" {
			return []byte("{}")
		}
		return document(map[string]any{"partialSuccess": map[string]string{
			"rejectedDataPoints": strconv.FormatUint(r.points, 10), "errorMessage": r.message,
		}})
	}
	if r.message == "" {
		return nil
	}
	partial := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), r.points)
	partial = protowire.AppendString(protowire.AppendTag(partial, 2, protowire.BytesType), r.message)
	return protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), partial)
}

// statusWriter turns a problem into a google.rpc.Status. Senders try again only after 429, 502, 503 and 504, so a
// refusal after which they could try again is a 503.
type statusWriter struct{ problemWriter }

func newStatusWriter(w http.ResponseWriter, form otlp.Form) *statusWriter {
	return &statusWriter{problemWriter{ResponseWriter: w, media: mediaOf(form),
		document: func(status int, message string) []byte {
			return statusDocument(form, status, message)
		}}}
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	if status == http.StatusInternalServerError || status == http.StatusRequestTimeout {
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "1")
	}
	if w.Header().Get("Accept") != "" { // a refusal of the media type
		w.Header().Set("Accept", mediaOf(otlp.Protobuf)+", "+mediaOf(otlp.JSON))
	}
	w.problemWriter.WriteHeader(status)
}

// statusDocument returns the Status.
func statusDocument(form otlp.Form, status int, message string) []byte {
	code := codeOf(status)
	if form == otlp.JSON {
		return document(struct {
			Code    uint64 `json:"code"`
			Message string `json:"message"`
		}{code, message})
	}
	doc := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), code)
	return protowire.AppendString(protowire.AppendTag(doc, 2, protowire.BytesType), message)
}

// codeOf returns the code of google.rpc for a status.
func codeOf(status int) uint64 {
	switch status {
	case http.StatusBadRequest, http.StatusUnsupportedMediaType:
		return 3 // INVALID_ARGUMENT
	case http.StatusForbidden:
		return 7 // PERMISSION_DENIED
	case http.StatusRequestEntityTooLarge:
		return 8 // RESOURCE_EXHAUSTED
	case http.StatusServiceUnavailable:
		return 14 // UNAVAILABLE
	case http.StatusUnauthorized:
		return 16 // UNAUTHENTICATED
	}
	return 2 // UNKNOWN
}
