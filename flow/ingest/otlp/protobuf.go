package otlp

import (
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// The numbers of fields in metrics/v1/metrics.proto, common/v1/common.proto and resource/v1/resource.proto of
// opentelemetry-proto.
const (
	requestResourceMetrics = 1

	resourceMetricsResource = 1
	resourceMetricsScopes   = 2
	resourceAttributes      = 1
	scopeMetricsMetrics     = 2

	metricName        = 1
	metricGauge       = 5
	metricSum         = 7
	metricHistogram   = 9
	metricExponential = 10
	metricSummary     = 11

	dataPoints     = 1 // of each kind of metric
	sumTemporality = 2
	sumMonotonic   = 3

	pointStart      = 2
	pointTime       = 3
	pointDouble     = 4
	pointInt        = 6
	pointAttributes = 7
	pointFlags      = 8

	keyValueKey   = 1
	keyValueValue = 2

	anyString = 1
	anyBool   = 2
	anyInt    = 3
	anyDouble = 4
)

const (
	temporalityDelta = 1
	flagNoValue      = 1
)

// wire is a field on the wire: the bytes of a string or a message, or a number.
type wire struct {
	number protowire.Number
	kind   protowire.Type
	bytes  []byte
	bits   uint64
}

// message reports whether the field has a number and is a string or a message.
func (w *wire) message(number protowire.Number) bool {
	return w.number == number && w.kind == protowire.BytesType
}

// next cuts the first field off a message. It is fast for strings and messages, because most bytes of a body are
// theirs.
func (w *wire) next(message []byte) (rest []byte, err error) {
	if len(message) > 2 && message[0] < 0x80 && message[0] >= 8 && message[0]&7 == byte(protowire.BytesType) {
		start, size := 2, int(message[1])
		if size >= 0x80 {
			start, size = 3, size&0x7f|int(message[2])<<7
		}
		if start+size <= len(message) && (start == 2 || message[2] < 0x80) {
			w.number, w.kind = protowire.Number(message[0]>>3), protowire.BytesType
			w.bytes, w.bits = message[start:start+size], 0
			return message[start+size:], nil
		}
	}
	return w.any(message)
}

// any is next for each kind of field.
func (w *wire) any(message []byte) (rest []byte, err error) {
	var n int
	if w.number, w.kind, n = protowire.ConsumeTag(message); n < 0 {
		return nil, broken(n)
	}
	message = message[n:]
	w.bytes, w.bits = nil, 0
	switch w.kind {
	case protowire.BytesType:
		w.bytes, n = protowire.ConsumeBytes(message)
	case protowire.VarintType:
		w.bits, n = protowire.ConsumeVarint(message)
	case protowire.Fixed64Type:
		w.bits, n = protowire.ConsumeFixed64(message)
	default:
		n = protowire.ConsumeFieldValue(w.number, w.kind, message)
	}
	if n < 0 {
		return nil, broken(n)
	}
	return message[n:], nil
}

// each calls fn for each field of a message.
func each(message []byte, fn func(w wire) error) (err error) {
	var w wire
	for len(message) > 0 {
		if message, err = w.next(message); err != nil {
			return err
		}
		if err := fn(w); err != nil {
			return err
		}
	}
	return nil
}

func broken(n int) error {
	return &BodyError{"the body is no ExportMetricsServiceRequest of protobuf: " + protowire.ParseError(n).Error()}
}

// request reads an ExportMetricsServiceRequest.
func (r *reader) request(message []byte) error {
	return each(message, func(w wire) error {
		if !w.message(requestResourceMetrics) {
			return nil
		}
		return r.resourceMetrics(w.bytes)
	})
}

// resourceMetrics reads the resource first, because the fields of a message may have any order.
func (r *reader) resourceMetrics(message []byte) error {
	r.resource = r.resource[:0]
	err := each(message, func(w wire) error {
		if !w.message(resourceMetricsResource) {
			return nil
		}
		return each(w.bytes, func(w wire) error {
			if !w.message(resourceAttributes) {
				return nil
			}
			a, err := r.attribute(w.bytes, new(uint32))
			if err == nil {
				r.resource = append(r.resource, *a)
			}
			return err
		})
	})
	if err != nil {
		return err
	}
	return each(message, func(w wire) error {
		if !w.message(resourceMetricsScopes) {
			return nil
		}
		return each(w.bytes, func(w wire) error {
			if !w.message(scopeMetricsMetrics) {
				return nil
			}
			return r.metric(w.bytes)
		})
	})
}

// metric reads the name of a metric first.
func (r *reader) metric(message []byte) error {
	var t *target
	err := each(message, func(w wire) error {
		if w.message(metricName) {
			t = r.byMetric[string(w.bytes)]
		}
		return nil
	})
	if err != nil {
		return err
	}
	return each(message, func(w wire) error {
		switch w.number {
		case metricSum, metricGauge, metricHistogram, metricExponential, metricSummary:
			if w.kind == protowire.BytesType {
				return r.data(w.bytes, t, w.number == metricSum)
			}
		}
		return nil
	})
}

// data reads the data points of a metric.
func (r *reader) data(message []byte, t *target, sum bool) error {
	k := kind{sum: sum}
	err := each(message, func(w wire) error {
		switch {
		case !sum || w.kind != protowire.VarintType:
		case w.number == sumTemporality:
			k.delta = w.bits == temporalityDelta
		case w.number == sumMonotonic:
			k.monotonic = w.bits != 0
		}
		return nil
	})
	if err != nil {
		return err
	}
	if t != nil {
		t.begin(r.resource)
	}
	return each(message, func(w wire) error {
		if !w.message(dataPoints) {
			return nil
		}
		if err := r.countPoint(); err != nil {
			return err
		}
		r.point = point{}
		if t != nil && k.sum && k.delta {
			if err := r.numberPoint(w.bytes, t); err != nil {
				return err
			}
		}
		return r.add(t, k)
	})
}

// numberPoint reads a data point of a sum into the row of its preset.
func (r *reader) numberPoint(message []byte, t *target) (err error) {
	p, noValue, read := &r.point, false, 0
	copy(t.row, t.resource)
	var w wire
	for len(message) > 0 {
		if message, err = w.next(message); err != nil {
			return err
		}
		switch {
		case w.message(pointAttributes):
			a, err := r.attribute(w.bytes, r.order.at(read))
			if err != nil {
				return err
			}
			t.setAttribute(a)
			read++
		case w.number == pointFlags && w.kind == protowire.VarintType:
			noValue = w.bits&flagNoValue != 0
		case w.kind != protowire.Fixed64Type:
		case w.number == pointStart:
			p.start = r.decimal(w.bits)
		case w.number == pointTime:
			p.time = r.decimal(w.bits)
		case w.number == pointInt:
			p.value = r.texts.number(int64(w.bits))
		case w.number == pointDouble:
			p.value = double(math.Float64frombits(w.bits))
		}
	}
	if noValue {
		p.value = ""
	}
	return nil
}

// decimal returns a time as text. Most points have the times of the point before.
func (r *reader) decimal(n uint64) string {
	if n != r.lastTime[0].n {
		r.lastTime[0], r.lastTime[1] = r.lastTime[1], r.lastTime[0]
		if n != r.lastTime[0].n {
			r.lastTime[0] = timeText{n, strconv.FormatUint(n, 10)}
		}
	}
	return r.lastTime[0].text
}

// timeText is a time with its text.
type timeText struct {
	n    uint64
	text string
}

// double returns a decimal number as text. One of 2^53 or more has an exponent, because it may be rounded: such a text
// is no integer for a preset.
func double(f float64) string {
	if math.Abs(f) < 1<<53 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return strconv.FormatFloat(f, 'e', -1, 64)
}

// attribute reads a KeyValue. likely is the number of the attribute that it likely is, and becomes the number of the
// one that it is. The result is valid until the next call.
func (r *reader) attribute(message []byte, likely *uint32) (*attribute, error) {
	if err := r.countAttribute(); err != nil {
		return nil, err
	}
	if !r.known.is(*likely, message) {
		slot := r.known.slot(message)
		if *slot == 0 {
			a, err := r.keyValue(message)
			if err != nil {
				return nil, err
			}
			if len(r.known.all) == maxKnown {
				r.other, *likely = a, 0
				return &r.other, nil
			}
			slot = r.known.add(slot, message, a)
		}
		*likely = *slot
	}
	return &r.known.all[*likely-1].attribute, nil
}

// keyValue reads a KeyValue.
func (r *reader) keyValue(message []byte) (a attribute, err error) {
	a.key = r.keys[""]
	err = each(message, func(w wire) error {
		switch {
		case w.message(keyValueKey):
			a.key = r.keys[string(w.bytes)]
		case w.message(keyValueValue):
			return each(w.bytes, func(w wire) error {
				r.value(&w, &a.value)
				return nil
			})
		}
		return nil
	})
	return a, err
}

// value reads a field of an AnyValue.
func (r *reader) value(w *wire, to *string) {
	switch {
	case w.message(anyString):
		*to = r.texts.text(w.bytes)
	case w.number == anyBool && w.kind == protowire.VarintType:
		*to = strconv.FormatBool(w.bits != 0)
	case w.number == anyInt && w.kind == protowire.VarintType:
		*to = strconv.FormatInt(int64(w.bits), 10)
	case w.number == anyDouble && w.kind == protowire.Fixed64Type:
		*to = double(math.Float64frombits(w.bits))
	}
}
