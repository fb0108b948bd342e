package otlp

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"

	collector "go.opentelemetry.io/proto/slim/otlp/collector/metrics/v1"
	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/slim/otlp/metrics/v1"
	resource "go.opentelemetry.io/proto/slim/otlp/resource/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"flowring/flow/ingest"
	"flowring/flow/ingest/preset"
)

// bytesPreset is a preset of one metric, which shows the whole of a row.
const bytesPreset = `
name: test
about: test
form: otlp
metrics: [net.bytes, net.octets]
key: body
src: {name: "{src}"}
dest: {name: "{dst}"}
vpc: "{cluster}"
default_vpc: none
bytes: {tx: "@value"}
interval: {start: "@start", end: "@time", unit: ns}
`

func testPreset(t testing.TB) *preset.Preset {
	t.Helper()
	p, err := preset.Parse([]byte(bytesPreset))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// rows is a sink that keeps all that it is given.
type rows struct {
	kept  []string // fields with values, in the order of the preset
	aside []string
}

func (r *rows) Row(p *preset.Preset, values []string) error {
	var text []string
	for i, name := range p.Fields() {
		text = append(text, name+"="+values[i])
	}
	r.kept = append(r.kept, strings.Join(text, " "))
	return nil
}

func (r *rows) SetAside(p *preset.Preset, why ingest.Reason, _ uint64) {
	name := "-"
	if p != nil {
		name = p.Name
	}
	r.aside = append(r.aside, name+" "+why.String())
}

var wide = Limits{Points: 1 << 20, Attributes: 1 << 20}

// text is an attribute with a string.
func text(key, value string) *common.KeyValue {
	return &common.KeyValue{Key: key, Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: value}}}
}

// sum is a metric of delta sums.
func sum(name string, points ...*metrics.NumberDataPoint) *metrics.Metric {
	return &metrics.Metric{Name: name, Unit: "{bytes}", Data: &metrics.Metric_Sum{Sum: &metrics.Sum{
		DataPoints: points, IsMonotonic: true, AggregationTemporality: metrics.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA,
	}}}
}

// number is a point of an interval of one second.
func number(n int64, attributes ...*common.KeyValue) *metrics.NumberDataPoint {
	return &metrics.NumberDataPoint{
		StartTimeUnixNano: 1_700_000_000_000_000_001, TimeUnixNano: 1_700_000_001_000_000_001, Attributes: attributes,
		Value: &metrics.NumberDataPoint_AsInt{AsInt: n},
	}
}

// decimal is a point with a decimal number.
func decimal(f float64) *metrics.NumberDataPoint {
	p := number(0)
	p.Value = &metrics.NumberDataPoint_AsDouble{AsDouble: f}
	return p
}

// request is a request of one resource.
func request(attributes []*common.KeyValue, all ...*metrics.Metric) *collector.ExportMetricsServiceRequest {
	return &collector.ExportMetricsServiceRequest{ResourceMetrics: []*metrics.ResourceMetrics{{
		Resource: &resource.Resource{Attributes: attributes}, ScopeMetrics: []*metrics.ScopeMetrics{{Metrics: all}},
	}}}
}

// forms encodes a request by the generated code.
func forms(t testing.TB, r *collector.ExportMetricsServiceRequest) map[Form][]byte {
	t.Helper()
	message, err := proto.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	text, err := protojson.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return map[Form][]byte{Protobuf: message, JSON: text}
}

const times = " @start=1700000000000000001 @time=1700000001000000001"

func TestPointsOfBothForms(t *testing.T) {
	noValue := number(7)
	noValue.Flags = 1
	counter := sum("net.bytes", number(1))
	counter.GetSum().AggregationTemporality = metrics.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE
	unspecified := sum("net.bytes", number(1))
	unspecified.GetSum().AggregationTemporality = 0
	upDown := sum("net.bytes", number(1))
	upDown.GetSum().IsMonotonic = false
	gauge := &metrics.Metric{Name: "net.bytes", Data: &metrics.Metric_Gauge{Gauge: &metrics.Gauge{DataPoints: []*metrics.NumberDataPoint{number(1)}}}}
	other := &metrics.Metric{Name: "latency", Data: &metrics.Metric_Histogram{Histogram: &metrics.Histogram{DataPoints: []*metrics.HistogramDataPoint{{}, {}}}}}
	row := func(src, dst, cluster, value string) string {
		return "src=" + src + " dst=" + dst + " cluster=" + cluster + " @value=" + value + times
	}
	for _, c := range []struct {
		name string
		in   *collector.ExportMetricsServiceRequest
		want rows
	}{
		{"a point", request(nil, sum("net.bytes", number(5, text("src", "a"), text("dst", "b")))), rows{kept: []string{row("a", "b", "", "5")}}},
		{"an attribute of the resource", request([]*common.KeyValue{text("cluster", "c"), text("src", "r")}, sum("net.bytes", number(5, text("src", "a")))),
			rows{kept: []string{row("a", "", "c", "5")}}},
		{"another name of the metric", request(nil, sum("net.octets", number(5))), rows{kept: []string{row("", "", "", "5")}}},
		{"an unknown attribute is the empty string", request(nil, sum("net.bytes", number(5, text("src", "")))), rows{kept: []string{row("", "", "", "5")}}},
		{"numbers as attributes", request(nil, sum("net.bytes", number(5,
			&common.KeyValue{Key: "src", Value: &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: -7}}},
			&common.KeyValue{Key: "dst", Value: &common.AnyValue{Value: &common.AnyValue_BoolValue{BoolValue: true}}},
			&common.KeyValue{Key: "cluster", Value: &common.AnyValue{Value: &common.AnyValue_DoubleValue{DoubleValue: 1.5}}}))),
			rows{kept: []string{row("-7", "true", "1.5", "5")}}},
		{"a list as an attribute is absent", request(nil, sum("net.bytes", number(5,
			&common.KeyValue{Key: "src", Value: &common.AnyValue{Value: &common.AnyValue_ArrayValue{ArrayValue: &common.ArrayValue{
				Values: []*common.AnyValue{{Value: &common.AnyValue_StringValue{StringValue: "x"}}}}}}}))),
			rows{kept: []string{row("", "", "", "5")}}},
		{"nanoseconds and bytes exceed 2^53", request(nil, sum("net.bytes", number(math.MaxInt64))), rows{kept: []string{row("", "", "", "9223372036854775807")}}},
		{"FLP counts in decimal numbers", request(nil, sum("net.bytes", decimal(1e6), decimal(1.5), decimal(1<<53), decimal(-1), decimal(math.NaN()), decimal(math.Inf(1)))),
			rows{kept: []string{row("", "", "", "1000000"), row("", "", "", "1.5"), row("", "", "", "9.007199254740992e+15"), row("", "", "", "-1"),
				row("", "", "", "NaN"), row("", "", "", "+Inf")}}},
		{"a point without a value", request(nil, sum("net.bytes", noValue, &metrics.NumberDataPoint{})), rows{aside: []string{"test no-data", "test no-data"}}},
		{"a cumulative sum", request(nil, counter), rows{aside: []string{"test cumulative"}}},
		{"a sum without a temporality", request(nil, unspecified), rows{aside: []string{"test cumulative"}}},
		{"a sum that is not monotonic, and a gauge", request(nil, upDown, gauge), rows{aside: []string{"test other-kind", "test other-kind"}}},
		{"other metrics beside it", request(nil, other, sum("net.bytes", number(5)), sum("cpu", number(1))),
			rows{kept: []string{row("", "", "", "5")}, aside: []string{"- other-kind", "- other-kind", "- other-kind"}}},
		{"no points", request([]*common.KeyValue{text("cluster", "c")}), rows{}},
	} {
		for form, body := range forms(t, c.in) {
			var got rows
			if err := Read(body, form, []*preset.Preset{testPreset(t)}, wide, &got); err != nil {
				t.Errorf("%s, form %d: Read = %v", c.name, form, err)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s, form %d: Read = %q, want %q", c.name, form, got, c.want)
			}
		}
	}
}

// Numbers that a preset must refuse have texts that it refuses, and others arrive exactly.
func TestNumbersThatMayBeRoundedAreRefused(t *testing.T) {
	for _, c := range []struct {
		point *metrics.NumberDataPoint
		want  ingest.Reason
	}{
		{number(math.MaxInt64), ingest.Kept}, {decimal(1 << 52), ingest.Kept}, {decimal(1<<53 - 1), ingest.Kept},
		{decimal(1 << 53), ingest.BadNumber}, {decimal(0.5), ingest.BadNumber}, {decimal(-1), ingest.BadNumber},
		{decimal(math.NaN()), ingest.BadNumber}, {decimal(math.Inf(1)), ingest.BadNumber}, {number(-1), ingest.BadNumber},
	} {
		for form, body := range forms(t, request(nil, sum("net.bytes", c.point))) {
			var why []ingest.Reason
			sink := sinkFunc(func(p *preset.Preset, values []string) { _, w, _ := p.Map(values); why = append(why, w) })
			if err := Read(body, form, []*preset.Preset{testPreset(t)}, wide, sink); err != nil || len(why) != 1 || why[0] != c.want {
				t.Errorf("%v, form %d: Read = %v with %v, want %v", c.point.Value, form, err, why, c.want)
			}
		}
	}
}

// sinkFunc is a sink of rows alone.
type sinkFunc func(p *preset.Preset, values []string)

func (f sinkFunc) Row(p *preset.Preset, values []string) error { f(p, values); return nil }

func (f sinkFunc) SetAside(*preset.Preset, ingest.Reason, uint64) {}

// JSON has 64-bit integers as strings or as numbers, and enumerations as numbers or names.
func TestNumbersOfJSON(t *testing.T) {
	const format = `{"resourceMetrics":[{"schemaUrl":"x","scopeMetrics":[{"metrics":[{"name":"net.bytes","sum":{"aggregationTemporality":%s,"isMonotonic":true,
		"dataPoints":[{"asInt":%s,"startTimeUnixNano":%s,"timeUnixNano":"1700000001000000001","exemplars":[{"spanId":"5b8efff798038103"}],"flags":0}]}}]}]}]}`
	for _, c := range [][3]string{
		{"1", `"9007199254740993"`, `"1700000000000000001"`}, {"1", "9007199254740993", "1700000000000000001"},
		{`"AGGREGATION_TEMPORALITY_DELTA"`, `"9007199254740993"`, `"1700000000000000001"`},
	} {
		var got rows
		err := Read([]byte(fmt.Sprintf(format, c[0], c[1], c[2])), JSON, []*preset.Preset{testPreset(t)}, wide, &got)
		if want := []string{"src= dst= cluster= @value=9007199254740993" + times}; err != nil || !reflect.DeepEqual(got.kept, want) {
			t.Errorf("Read of %q = %q, %v, want %q", c, got, err, want)
		}
	}
}

// The resource may stand behind its metrics, and the name of a metric behind its points: the fields of a message have
// any order.
func TestFieldsOfAnyOrder(t *testing.T) {
	reversed := func(message []byte) (out []byte) {
		if err := each(message, func(w wire) error {
			out = append(appendField(nil, &w), out...)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return out
	}
	metric, err := proto.Marshal(sum("net.bytes", number(5, text("src", "a"))))
	if err != nil {
		t.Fatal(err)
	}
	res, err := proto.Marshal(&resource.Resource{Attributes: []*common.KeyValue{text("cluster", "c")}})
	if err != nil {
		t.Fatal(err)
	}
	scope := appendField(nil, &wire{number: scopeMetricsMetrics, kind: 2, bytes: reversed(metric)})
	body := appendField(nil, &wire{number: resourceMetricsScopes, kind: 2, bytes: scope})
	body = appendField(body, &wire{number: resourceMetricsResource, kind: 2, bytes: res})
	body = appendField(nil, &wire{number: requestResourceMetrics, kind: 2, bytes: body})
	var got rows
	err = Read(body, Protobuf, []*preset.Preset{testPreset(t)}, wide, &got)
	if want := []string{"src=a dst= cluster=c @value=5" + times}; err != nil || !reflect.DeepEqual(got.kept, want) {
		t.Errorf("Read = %q, %v, want %q", got, err, want)
	}
}

// appendField appends a field as it was on the wire.
func appendField(dst []byte, w *wire) []byte {
	dst = protowire.AppendTag(dst, w.number, w.kind)
	switch w.kind {
	case protowire.BytesType:
		return protowire.AppendBytes(dst, w.bytes)
	case protowire.VarintType:
		return protowire.AppendVarint(dst, w.bits)
	}
	return protowire.AppendFixed64(dst, w.bits)
}

func TestBodiesThatAreNoRequest(t *testing.T) {
	whole := forms(t, request([]*common.KeyValue{text("cluster", "c")}, sum("net.bytes", number(5, text("src", "a")))))
	for form, body := range whole {
		for n := 1; n < len(body); n++ {
			var refused *BodyError
			var got rows
			if err := Read(body[:n], form, []*preset.Preset{testPreset(t)}, wide, &got); !errors.As(err, &refused) {
				t.Errorf("form %d: Read of the first %d of %d bytes = %v with %q, want a BodyError", form, n, len(body), err, got)
			}
		}
	}
	for _, text := range []string{"", " ", "[]", "1", `{"resourceMetrics":1}`, `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":5}]}]}]}`, "\xff{}", "nul", `{"resourceMetrics":[]}x`} {
		err := Read([]byte(text), JSON, nil, wide, &rows{})
		if !errors.As(err, new(*BodyError)) || strings.Contains(err.Error(), "otlp.") {
			t.Errorf("Read(%q) = %v, want a BodyError without a type of Go", text, err)
		}
	}
	if err := Read(nil, Protobuf, nil, wide, &rows{}); err != nil { // a request without resources has no bytes
		t.Errorf("Read of an empty request = %v", err)
	}
}

// P16.
func TestPointsAndAttributesAreLimited(t *testing.T) {
	in := request([]*common.KeyValue{text("cluster", "c")}, sum("net.bytes", number(1, text("src", "a")), number(2, text("src", "b"))), sum("cpu", number(1)))
	for _, c := range []struct {
		limits Limits
		want   string
	}{
		{Limits{3, 3}, ""}, {Limits{2, 3}, "the body has more than 2 points"}, {Limits{3, 2}, "the body has more than 2 attributes"},
	} {
		for form, body := range forms(t, in) {
			err := Read(body, form, []*preset.Preset{testPreset(t)}, c.limits, &rows{})
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != c.want || err != nil && !errors.As(err, new(*LimitError)) {
				t.Errorf("form %d, %v: Read = %q, want %q", form, c.limits, got, c.want)
			}
		}
	}
	deep := `{"x":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + "}"
	if err := Read([]byte(deep), JSON, nil, wide, &rows{}); !errors.As(err, new(*BodyError)) {
		t.Errorf("Read of deep JSON = %v, want a BodyError", err)
	}
	if err := Read([]byte(`{"resourceMetrics":[`+strings.Repeat("{},", 2000)+`{}]}`), JSON, nil, Limits{10, 10}, &rows{}); !errors.As(err, new(*LimitError)) {
		t.Errorf("Read of two thousand objects = %v, want a LimitError", err)
	}
}

// The rows of protobuf equal the rows that the generated code reads.
func FuzzProtobuf(f *testing.F) {
	p := testPreset(f)
	f.Add(forms(f, request([]*common.KeyValue{text("cluster", "c")}, sum("net.bytes", number(5, text("src", "a")), decimal(1.5)), sum("cpu", number(1))))[Protobuf])
	f.Add([]byte("\x0a\x02\x12\x00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		var got rows
		err := Read(body, Protobuf, []*preset.Preset{p}, wide, &got)
		var in collector.ExportMetricsServiceRequest
		if proto.Unmarshal(body, &in) != nil {
			return // the generated code also refuses strings that are no UTF-8, and reads parts that Read skips
		}
		if err != nil {
			t.Fatalf("Read = %v, and the generated code reads it", err)
		}
		if want := values(&in); !reflect.DeepEqual(got.kept, want) && len(got.kept)+len(want) > 0 {
			t.Fatalf("Read = %q, want %q", got.kept, want)
		}
	})
}

// Attributes are found by their bytes and by their places in the point before. Points with equal, similar, moved and
// repeated attributes, more than the first table has room for, have the rows of the generated code.
func TestAttributesOfEarlierPointsAreFound(t *testing.T) {
	p := testPreset(t)
	value := rapid.Custom(func(t *rapid.T) string {
		return rapid.StringMatching(`a{0,3}|b{100,130}`).Draw(t, "start") + strconv.Itoa(rapid.IntRange(0, 200).Draw(t, "end"))
	})
	attribute := rapid.Custom(func(t *rapid.T) *common.KeyValue {
		return text(rapid.SampledFrom([]string{"src", "dst", "cluster", "other", ""}).Draw(t, "key"), value.Draw(t, "value"))
	})
	point := rapid.Custom(func(t *rapid.T) *metrics.NumberDataPoint {
		return number(rapid.Int64().Draw(t, "number"), rapid.SliceOfN(attribute, 0, 6).Draw(t, "attributes")...)
	})
	rapid.Check(t, func(t *rapid.T) {
		in := request(rapid.SliceOfN(attribute, 0, 2).Draw(t, "resource"), sum("net.bytes", rapid.SliceOfN(point, 1, 60).Draw(t, "points")...))
		body, err := proto.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		var got rows
		if err := Read(body, Protobuf, []*preset.Preset{p}, wide, &got); err != nil || !reflect.DeepEqual(got.kept, values(in)) {
			t.Fatalf("Read = %q, %v, want %q", got.kept, err, values(in))
		}
	})
}

// The memory for attributes of earlier points is bounded, and the rows of points with other attributes are right (P16).
func TestAttributesBeyondTheKnownOnesAreRead(t *testing.T) {
	points := make([]*metrics.NumberDataPoint, 2*maxKnown)
	for i := range points {
		points[i] = number(1, text("src", strconv.Itoa(i)), text("dst", "b"))
	}
	in := request(nil, sum("net.bytes", points...))
	body, err := proto.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var got rows
	r := newReader([]*preset.Preset{testPreset(t)}, wide, &got)
	r.known.expect(0)
	if err := r.request(body); err != nil || !reflect.DeepEqual(got.kept, values(in)) {
		t.Errorf("request = %v with rows other than those of the generated code", err)
	}
	if len(r.known.all) != maxKnown {
		t.Errorf("%d attributes are known, want %d", len(r.known.all), maxKnown)
	}
}

// values returns the rows of a request by the generated code.
func values(in *collector.ExportMetricsServiceRequest) (all []string) {
	for _, rm := range in.ResourceMetrics {
		for _, scope := range rm.ScopeMetrics {
			for _, m := range scope.Metrics {
				s := m.GetSum()
				if m.Name != "net.bytes" && m.Name != "net.octets" || !s.GetIsMonotonic() || s.GetAggregationTemporality() != 1 {
					continue
				}
				for _, p := range s.DataPoints {
					if row, ok := valuesOf(rm.GetResource().GetAttributes(), p); ok {
						all = append(all, row)
					}
				}
			}
		}
	}
	return all
}

func valuesOf(resource []*common.KeyValue, p *metrics.NumberDataPoint) (row string, ok bool) {
	fields := map[string]string{}
	for _, list := range [...][]*common.KeyValue{resource, p.Attributes} {
		for _, a := range list {
			fields[a.GetKey()] = ""
			switch v := a.GetValue().GetValue().(type) {
			case *common.AnyValue_StringValue:
				fields[a.GetKey()] = v.StringValue
			case *common.AnyValue_BoolValue:
				fields[a.GetKey()] = strconv.FormatBool(v.BoolValue)
			case *common.AnyValue_IntValue:
				fields[a.GetKey()] = strconv.FormatInt(v.IntValue, 10)
			case *common.AnyValue_DoubleValue:
				fields[a.GetKey()] = double(v.DoubleValue)
			}
		}
	}
	value := ""
	switch v := p.GetValue().(type) {
	case *metrics.NumberDataPoint_AsInt:
		value = strconv.FormatInt(v.AsInt, 10)
	case *metrics.NumberDataPoint_AsDouble:
		value = double(v.AsDouble)
	}
	return fmt.Sprintf("src=%s dst=%s cluster=%s @value=%s @start=%s @time=%s", fields["src"], fields["dst"], fields["cluster"], value,
		instant(p.StartTimeUnixNano), instant(p.TimeUnixNano)), value != "" && p.Flags&1 == 0
}

func instant(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

// No body makes the reader of JSON fail in another way than by its errors.
func FuzzJSON(f *testing.F) {
	p := testPreset(f)
	f.Add(forms(f, request([]*common.KeyValue{text("cluster", "c")}, sum("net.bytes", number(5, text("src", "a")), decimal(1.5))))[JSON])
	f.Fuzz(func(t *testing.T, body []byte) {
		var first, second rows
		err := Read(body, JSON, []*preset.Preset{p}, wide, &first)
		if err != nil && !errors.As(err, new(*BodyError)) && !errors.As(err, new(*LimitError)) {
			t.Fatalf("Read = %v", err)
		}
		if again := Read(body, JSON, []*preset.Preset{p}, wide, &second); (err == nil) != (again == nil) || !reflect.DeepEqual(first, second) {
			t.Fatalf("the second Read = %q, %v, the first %q, %v", second, again, first, err)
		}
	})
}
