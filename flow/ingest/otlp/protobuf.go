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

// each calls fn for each field of a message.
func each(message []byte, fn func(w wire) error) error {
	var w wire
	for len(message) > 0 {
		var n int
		if w.number, w.kind, n = protowire.ConsumeTag(message); n < 0 {
			return broken(n)
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
			return broken(n)
		}
		message = message[n:]
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
			return r.attribute(w.bytes, &r.resource)
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
	return each(message, func(w wire) error {
		if !w.message(dataPoints) {
			return nil
		}
		if err := r.countPoint(); err != nil {
			return err
		}
		r.point = point{attributes: r.point.attributes[:0]}
		if t != nil && k.sum && k.delta {
			if err := r.numberPoint(w.bytes); err != nil {
				return err
			}
		}
		return r.add(t, k)
	})
}

// numberPoint reads a data point of a sum.
func (r *reader) numberPoint(message []byte) error {
	p, noValue := &r.point, false
	err := each(message, func(w wire) error {
		switch {
		case w.message(pointAttributes):
			return r.attribute(w.bytes, &p.attributes)
		case w.number == pointFlags && w.kind == protowire.VarintType:
			noValue = w.bits&flagNoValue != 0
		case w.kind != protowire.Fixed64Type:
		case w.number == pointStart:
			p.start = r.decimal(w.bits)
		case w.number == pointTime:
			p.time = r.decimal(w.bits)
		case w.number == pointInt:
			p.value = strconv.FormatInt(int64(w.bits), 10)
		case w.number == pointDouble:
			p.value = double(math.Float64frombits(w.bits))
		}
		return nil
	})
	if noValue {
		p.value = ""
	}
	return err
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

// attribute reads a KeyValue and appends it to a list.
func (r *reader) attribute(message []byte, list *[]attribute) error {
	if err := r.countAttribute(); err != nil {
		return err
	}
	var a attribute
	err := each(message, func(w wire) error {
		switch {
		case w.message(keyValueKey):
			a.key = r.text(w.bytes)
		case w.message(keyValueValue):
			return each(w.bytes, func(w wire) error {
				r.value(&w, &a.value)
				return nil
			})
		}
		return nil
	})
	*list = append(*list, a)
	return err
}

// value reads a field of an AnyValue.
func (r *reader) value(w *wire, to *string) {
	switch {
	case w.message(anyString):
		*to = r.text(w.bytes)
	case w.number == anyBool && w.kind == protowire.VarintType:
		*to = strconv.FormatBool(w.bits != 0)
	case w.number == anyInt && w.kind == protowire.VarintType:
		*to = strconv.FormatInt(int64(w.bits), 10)
	case w.number == anyDouble && w.kind == protowire.Fixed64Type:
		*to = double(math.Float64frombits(w.bits))
	}
}
