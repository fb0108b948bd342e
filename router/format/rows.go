package format

import (
	"io"

	"flowring/flow/query"
	"flowring/internal/contract"
)

// The columns beside those of package query.
const (
	columnTime     = "time"
	columnOther    = "other"
	columnGroups   = "groups"
	columnTx       = "bytes_tx"
	columnRx       = "bytes_rx"
	columnFlows    = "flows"
	columnComplete = "complete"
)

// Rows writes the rows of a query.
type Rows struct {
	*Table
	fields query.Fields
	other  bool // there may be a row for all further groups
	series bool // that row is of an hour or a day
	time   timeText
}

// NewRows returns a writer of the rows of a question.
func NewRows(to io.Writer, form Form, texts bool, spec *query.Spec) *Rows {
	r := &Rows{fields: spec.Streamed(), other: spec.Top > 0, series: spec.HasSeries}
	r.Table = NewTable(to, form, texts, r.columns()...)
	return r
}

func (r *Rows) columns() (names []string) {
	for f := range r.fields.All() {
		if names = append(names, f.String()); isTime(f) {
			names = append(names, columnTime)
		}
	}
	if names = append(names, columnTx, columnRx); r.other {
		names = append(names, columnOther, columnGroups)
	}
	return names
}

func isTime(f query.Field) bool { return f == query.Hour || f == query.Day }

// Write writes one row.
func (r *Rows) Write(row *query.Row) error {
	r.begin()
	r.writeKey(row)
	if row.Other && r.csv == nil {
		r.writeOther(row)
	}
	r.Sum(columnTx, row.Tx)
	r.Sum(columnRx, row.Rx)
	if r.other && r.csv != nil {
		r.writeOther(row)
	}
	return r.end()
}

// WriteKey writes a row without its sums.
func (r *Rows) WriteKey(row *query.Row) error {
	r.begin()
	r.writeKey(row)
	if row.Other {
		r.True(columnOther)
	}
	return r.end()
}

func (r *Rows) writeKey(row *query.Row) {
	for f := range r.fields.All() {
		switch {
		case isTime(f) && row.Other && !r.series:
			r.Absent()
			r.Absent()
		case isTime(f):
			r.Integer(f.String(), row.Time)
			r.writeTime(row.Time, f)
		case row.Other:
			r.Absent()
		default:
			r.Text(f.String(), row.Column(f))
		}
	}
}

// writeOther writes the two cells of a row for all further groups: in CSV behind the sums, because all rows have the
// columns of the others; in JSON before them.
func (r *Rows) writeOther(row *query.Row) {
	if !row.Other {
		r.Absent()
		r.Absent()
		return
	}
	r.True(columnOther)
	r.Integer(columnGroups, row.Groups)
}

func (r *Rows) writeTime(v int64, f query.Field) {
	if text := r.time.of(v, f); text != "" {
		r.Text(columnTime, text)
	} else {
		r.Absent()
	}
}

// Hours writes the totals of hours.
type Hours struct {
	*Table
	time timeText
}

// NewHours returns a writer of the totals of hours.
func NewHours(to io.Writer, form Form, texts bool) *Hours {
	return &Hours{Table: NewTable(to, form, texts,
		query.Hour.String(), columnTime, columnTx, columnRx, columnFlows, columnComplete)}
}

// Write writes one row.
func (h *Hours) Write(totals *contract.HourTotals) error {
	h.begin()
	h.Integer(query.Hour.String(), int64(totals.Hour))
	if text := h.time.of(int64(totals.Hour), query.Hour); text != "" {
		h.Text(columnTime, text)
	} else {
		h.Absent()
	}
	h.Sum(columnTx, totals.Tx)
	h.Sum(columnRx, totals.Rx)
	if totals.Flows >= 0 {
		h.Integer(columnFlows, totals.Flows)
	} else {
		h.Absent()
	}
	h.Text(columnComplete, totals.Complete.String())
	return h.end()
}

// Names writes names: an array of texts in JSON, a text on each line in NDJSON, and one column in CSV.
type Names struct{ *Table }

// NewNames returns a writer of names.
func NewNames(to io.Writer, form Form) *Names { return &Names{NewTable(to, form, false, "name")} }

// Write writes one name.
func (n *Names) Write(name string) error {
	if n.csv != nil {
		n.begin()
		n.Text("name", name)
		return n.end()
	}
	n.object = n.object[:0]
	if n.form == JSON {
		n.object = append(n.object, separator(n.rows)...)
	}
	n.rows++
	n.object = appendQuoted(n.object, name)
	if n.form == NDJSON {
		n.object = append(n.object, '\n')
	}
	_, err := n.to.Write(n.object)
	return err
}
