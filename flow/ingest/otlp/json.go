package otlp

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The parts of a request as JSON has them (OTLP specification, "JSON Protobuf Encoding"): names in lowerCamelCase,
// 64-bit integers as strings or numbers, enumerations as numbers.
type (
	jsonRequest struct {
		ResourceMetrics []jsonResourceMetrics `json:"resourceMetrics"`
	}
	jsonResourceMetrics struct {
		Resource struct {
			Attributes []jsonAttribute `json:"attributes"`
		} `json:"resource"`
		ScopeMetrics []struct {
			Metrics []jsonMetric `json:"metrics"`
		} `json:"scopeMetrics"`
	}
	jsonMetric struct {
		Name                 string    `json:"name"`
		Gauge                *jsonData `json:"gauge"`
		Sum                  *jsonData `json:"sum"`
		Histogram            *jsonData `json:"histogram"`
		ExponentialHistogram *jsonData `json:"exponentialHistogram"`
		Summary              *jsonData `json:"summary"`
	}
	jsonData struct {
		DataPoints  []jsonPoint `json:"dataPoints"`
		Temporality scalar      `json:"aggregationTemporality"`
		IsMonotonic bool        `json:"isMonotonic"`
	}
	jsonPoint struct {
		Attributes []jsonAttribute `json:"attributes"`
		Start      scalar          `json:"startTimeUnixNano"`
		Time       scalar          `json:"timeUnixNano"`
		AsInt      scalar          `json:"asInt"`
		AsDouble   scalar          `json:"asDouble"`
		Flags      scalar          `json:"flags"`
	}
	jsonAttribute struct {
		Key   string `json:"key"`
		Value struct {
			String string `json:"stringValue"`
			Bool   scalar `json:"boolValue"`
			Int    scalar `json:"intValue"`
			Double scalar `json:"doubleValue"`
		} `json:"value"`
	}
)

// scalar is the text of a string, a number or a truth value; empty for null and for other values.
type scalar string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (s *scalar) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*s = ""
	switch d.PeekKind() {
	case jsontext.KindString, jsontext.KindNumber, jsontext.KindTrue, jsontext.KindFalse:
		t, err := d.ReadToken()
		*s = scalar(t.String())
		return err
	}
	return d.SkipValue()
}

// json reads a request of JSON. Its objects are points, attributes with their values, and up to three more for each
// point, so the number of braces bounds the memory.
func (r *reader) json(body []byte) error {
	const others = 1000 // such as resources without metrics
	if most := 4*r.limits.Points + 2*r.limits.Attributes + others; bytes.Count(body, []byte("{")) > most {
		return &LimitError{"attributes", r.limits.Attributes}
	}
	var request jsonRequest
	if len(bytes.TrimSpace(body)) == 0 {
		return &BodyError{"the body is empty"}
	}
	if err := json.Unmarshal(body, &request, jsontext.AllowDuplicateNames(true),
		jsontext.AllowInvalidUTF8(true)); err != nil {
		return &BodyError{"the body is no ExportMetricsServiceRequest of JSON: " + faultOfJSON(err)}
	}
	for i := range request.ResourceMetrics {
		if err := r.jsonResource(&request.ResourceMetrics[i]); err != nil {
			return err
		}
	}
	return nil
}

// faultOfJSON describes an error of Unmarshal without the types of this package.
func faultOfJSON(err error) string {
	var other *json.SemanticError
	if !errors.As(err, &other) {
		return strings.TrimPrefix(err.Error(), "jsontext: ")
	}
	at := string(other.JSONPointer)
	if at == "" {
		at = "the whole value"
	}
	if other.Err != nil {
		return at + ": " + other.Err.Error()
	}
	return at + " has another type"
}

func (r *reader) jsonResource(in *jsonResourceMetrics) (err error) {
	if r.resource, err = r.jsonAttributes(in.Resource.Attributes, r.resource[:0]); err != nil {
		return err
	}
	for _, scope := range in.ScopeMetrics {
		for i := range scope.Metrics {
			if err := r.jsonMetric(&scope.Metrics[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *reader) jsonMetric(m *jsonMetric) error {
	t := r.byMetric[m.Name]
	for _, data := range [...]*jsonData{m.Sum, m.Gauge, m.Histogram, m.ExponentialHistogram, m.Summary} {
		if data == nil {
			continue
		}
		k := kind{sum: data == m.Sum, monotonic: data.IsMonotonic}
		k.delta = data.Temporality == "1" || data.Temporality == "AGGREGATION_TEMPORALITY_DELTA"
		if t != nil {
			t.begin(r.resource)
		}
		for i := range data.DataPoints {
			if err := r.countPoint(); err != nil {
				return err
			}
			if err := r.jsonPoint(&data.DataPoints[i], t); err != nil {
				return err
			}
			if err := r.add(t, k); err != nil {
				return err
			}
		}
	}
	return nil
}

// jsonPoint reads a point into the row of its preset; t is nil for a metric that no preset names.
func (r *reader) jsonPoint(in *jsonPoint, t *target) (err error) {
	p := &r.point
	p.start, p.time, p.value = string(in.Start), string(in.Time), string(in.AsInt)
	if in.AsInt == "" && in.AsDouble != "" {
		f, err := strconv.ParseFloat(string(in.AsDouble), 64) // the texts NaN and Infinity too
		if err != nil {
			f = math.NaN()
		}
		p.value = double(f)
	}
	if flags, err := strconv.ParseUint(string(in.Flags), 10, 32); err == nil && flags&flagNoValue != 0 {
		p.value = ""
	}
	if r.attributesOfJSON, err = r.jsonAttributes(in.Attributes, r.attributesOfJSON[:0]); err != nil || t == nil {
		return err
	}
	copy(t.row, t.resource)
	for i := range r.attributesOfJSON {
		t.setAttribute(&r.attributesOfJSON[i])
	}
	return nil
}

func (r *reader) jsonAttributes(in []jsonAttribute, to []attribute) ([]attribute, error) {
	for i := range in {
		if err := r.countAttribute(); err != nil {
			return to, err
		}
		v := &in[i].Value
		value := v.String
		switch {
		case v.Int != "":
			value = string(v.Int)
		case v.Bool != "":
			value = string(v.Bool)
		case v.Double != "":
			if f, err := strconv.ParseFloat(string(v.Double), 64); err == nil {
				value = double(f)
			}
		}
		to = append(to, attribute{r.keys[in[i].Key], value})
	}
	return to, nil
}
