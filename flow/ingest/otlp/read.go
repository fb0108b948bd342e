package otlp

import (
	"fmt"
	"slices"

	"flowring/flow/ingest"
	"flowring/flow/ingest/preset"
)

// Form is the encoding of a body.
type Form int

// The forms.
const (
	Protobuf Form = iota
	JSON
)

// Limits bound the work for a body.
type Limits struct {
	Points     int // data points
	Attributes int // of resources and data points together
}

// Sink takes the rows of a body.
type Sink interface {
	// Row takes a row of a preset. It must keep no part of the list. An error ends the reading.
	Row(p *preset.Preset, values []string) error
	// SetAside counts a point that does not count; p is nil for a metric that no preset names. bytes is its number, as
	// far as it is known.
	SetAside(p *preset.Preset, why ingest.Reason, bytes uint64)
}

// BodyError is the error of a body that is no OTLP request.
type BodyError struct{ Reason string }

// Error returns the reason.
func (e *BodyError) Error() string { return e.Reason }

// LimitError is the error of a body beyond a limit.
type LimitError struct {
	Limit string // points or attributes
	Most  int
}

// Error names the limit.
func (e *LimitError) Error() string {
	return fmt.Sprintf("the body has more than %d %s", e.Most, e.Limit)
}

// Read reads the rows of a body for presets of the form otlp. It keeps no part of the body. It fails with an error of the
// sink, with a *BodyError or with a *LimitError. The sink may have rows of a body that fails.
func Read(body []byte, form Form, presets []*preset.Preset, limits Limits, to Sink) error {
	r := &reader{limits: limits, to: to, byMetric: map[string]*target{}, texts: map[string]string{}}
	for _, p := range presets {
		t := newTarget(p)
		for _, metric := range p.Metrics {
			r.byMetric[metric] = t
		}
	}
	if form == JSON {
		return r.json(body)
	}
	return r.request(body)
}

// reader reads one body.
type reader struct {
	limits     Limits
	to         Sink
	byMetric   map[string]*target
	points     int
	attributes int
	texts      map[string]string // values of attributes, because many points have the same ones
	resource   []attribute
	point      point
	lastTime   [2]timeText // protobuf: the times that were read last, with their texts
}

// attribute is an attribute with its value as text.
type attribute struct{ key, value string }

// point is a data point.
type point struct {
	attributes         []attribute
	value, start, time string // value is empty: the point has none
}

// kind has the facts of a metric about all of its points.
type kind struct {
	sum, monotonic, delta bool
}

// target is a preset with the places of its fields.
type target struct {
	preset             *preset.Preset
	fields             map[string]int
	value, start, time int // -1: the preset has no such field
	row                []string
}

func newTarget(p *preset.Preset) *target {
	t := &target{preset: p, fields: map[string]int{}, row: make([]string, len(p.Fields()))}
	for i, name := range p.Fields() {
		t.fields[name] = i
	}
	t.value, t.start, t.time = slices.Index(p.Fields(), "@value"), slices.Index(p.Fields(), "@start"), slices.Index(p.Fields(), "@time")
	for _, special := range [...]string{"@value", "@start", "@time"} {
		delete(t.fields, special)
	}
	return t
}

// set sets a field of the row, if the preset has it.
func (t *target) set(i int, text string) {
	if i >= 0 {
		t.row[i] = text
	}
}

// countPoint counts a data point against the limit.
func (r *reader) countPoint() error {
	if r.points++; r.points > r.limits.Points {
		return &LimitError{"points", r.limits.Points}
	}
	return nil
}

// countAttribute counts an attribute against the limit.
func (r *reader) countAttribute() error {
	if r.attributes++; r.attributes > r.limits.Attributes {
		return &LimitError{"attributes", r.limits.Attributes}
	}
	return nil
}

// add gives the point being read to the sink. t is nil for a metric that no preset names.
func (r *reader) add(t *target, k kind) error {
	switch p := &r.point; {
	case t == nil:
		r.to.SetAside(nil, ingest.OtherKind, 0)
		return nil
	case !k.sum || !k.monotonic:
		r.to.SetAside(t.preset, ingest.OtherKind, 0)
		return nil
	case !k.delta:
		r.to.SetAside(t.preset, ingest.Cumulative, 0) // its number is that of earlier intervals too
		return nil
	case p.value == "":
		r.to.SetAside(t.preset, ingest.NoData, 0)
		return nil
	}
	clear(t.row)
	for _, list := range [...][]attribute{r.resource, r.point.attributes} {
		for _, a := range list {
			if i, ok := t.fields[a.key]; ok {
				t.row[i] = a.value
			}
		}
	}
	t.set(t.value, r.point.value)
	t.set(t.start, r.point.start)
	t.set(t.time, r.point.time)
	return r.to.Row(t.preset, t.row)
}

// text returns the string of bytes, which is shared with earlier ones.
func (r *reader) text(b []byte) string {
	if s, ok := r.texts[string(b)]; ok {
		return s
	}
	s := string(b)
	r.texts[s] = s
	return s
}
