// Package otlp answers one question: which rows does a body of OTLP metrics have? The body is an
// ExportMetricsServiceRequest, in protobuf or in JSON. Each data point of a metric that a preset names becomes one row
// of the preset (package preset); the points of other metrics are counted and not read.
//
//	ResourceMetrics      attributes of the resource
//	  ScopeMetrics
//	    Metric           name; a sum that is monotonic and has delta temporality
//	      DataPoint      attributes, @value, @start, @time
//
// The value of a field is that of the attribute of this name, of the point before the resource. Strings, integers,
// decimal numbers and truth values count; an attribute of another kind is absent. @value is the number of the point,
// @start and @time are its interval in nanoseconds since 1970.
//
// A cumulative point is set aside: no interval follows from a running total, and a restart of the sender would lose or
// repeat bytes. A point without a value, of a sum that is not monotonic, or of another kind of metric, is set aside
// too.
//
// Invariants: the rows are a pure function of the body and the presets. A body that is cut off or in another form is an
// error as a whole, with a *BodyError, because the sender encodes it as a whole. A body with more data points or more
// attributes than Limits is refused with a *LimitError before its rows take memory (P16).
//
// Most attributes of a point stand in earlier points, byte by byte and often at the same place. They are found by their
// bytes and are not read again. The number of attributes that are kept for that is bounded.
//
// The package does not use the generated code of OTLP: the parts that are needed are read field by field, without a
// list of points in memory and without reflection. Tests compare it with the generated code. It is pure, and safe for
// concurrent use.
package otlp
