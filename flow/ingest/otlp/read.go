package otlp

import (
	"fmt"

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

// Read reads the rows of a body for presets of the form otlp. It keeps no part of the body. It fails with an error of
// the sink, with a *BodyError or with a *LimitError. The sink may have rows of a body that fails.
func Read(body []byte, form Form, presets []*preset.Preset, limits Limits, to Sink) error {
	r := newReader(presets, limits, to)
	if form == JSON {
		return r.json(body)
	}
	r.known.expect(min(len(body)/likelyPoint, maxKnown))
	return r.request(body)
}

// likelyPoint is the expected number of bytes of a point of protobuf. A point has about one attribute that no point
// before has. It only decides how much room there is at first.
const likelyPoint = 400

// reader reads one body.
type reader struct {
	limits     Limits
	to         Sink
	byMetric   map[string]*target
	points     int
	attributes int
	keys       map[string]int // the numbers of the keys that presets have, from 1
	resource   []attribute
	point      point

	attributesOfJSON []attribute // of the point being read

	// of protobuf
	known    known
	other    attribute // the newest one that known has no room for
	order    order
	texts    texts
	lastTime [2]timeText // the times that were read last, with their texts
}

// point is a data point.
type point struct {
	value, start, time string // value is empty: the point has none
}

// kind has the facts of a metric about all of its points.
type kind struct {
	sum, monotonic, delta bool
}

func newReader(presets []*preset.Preset, limits Limits, to Sink) *reader {
	r := &reader{limits: limits, to: to, byMetric: map[string]*target{}, keys: map[string]int{}}
	for _, p := range presets {
		t := r.newTarget(p)
		for _, metric := range p.Metrics {
			r.byMetric[metric] = t
		}
	}
	return r
}

// target is a preset with the places of its fields.
type target struct {
	preset             *preset.Preset
	places             []int    // by the number of a key: the field; none for others
	value, start, time int      // or none
	resource           []string // the row of a point without attributes
	row                []string
}

const none = -1 // the preset has no such field

// newTarget returns the target for a preset, and numbers the keys of its attributes.
func (r *reader) newTarget(p *preset.Preset) *target {
	n := len(p.Fields())
	t := &target{preset: p, places: []int{none}, value: none, start: none, time: none, resource: make([]string, n),
		row: make([]string, n)}
	special := map[string]*int{"@value": &t.value, "@start": &t.start, "@time": &t.time}
	for i, name := range p.Fields() {
		if place := special[name]; place != nil {
			*place = i
			continue
		}
		number := r.keys[name]
		if number == 0 {
			number = len(r.keys) + 1
			r.keys[name] = number
		}
		for number >= len(t.places) {
			t.places = append(t.places, none)
		}
		t.places[number] = i
	}
	return t
}

// begin begins a metric with the attributes of its resource.
func (t *target) begin(resource []attribute) {
	clear(t.row)
	for i := range resource {
		t.setAttribute(&resource[i])
	}
	copy(t.resource, t.row)
}

// setAttribute sets the field of an attribute, if the preset has it. The last of two attributes of a key counts.
func (t *target) setAttribute(a *attribute) {
	if a.key < len(t.places) {
		t.set(t.places[a.key], a.value)
	}
}

// set sets a field of the row, if the preset has it.
func (t *target) set(i int, text string) {
	if i != none {
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
	t.set(t.value, r.point.value)
	t.set(t.start, r.point.start)
	t.set(t.time, r.point.time)
	return r.to.Row(t.preset, t.row)
}
