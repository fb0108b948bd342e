package ask

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"flowring/cmd/flowring/output"
	"flowring/cmd/flowring/table"
	"flowring/flow/query"
)

// Row is a row of an answer, of a query or of /hours.
type Row struct {
	Hour    *int64 `json:"hour"`
	Day     *int64 `json:"day"`
	Time    string `json:"time"` // RFC 3339
	SrcApp  string `json:"src_app"`
	DestApp string `json:"dest_app"`
	VPCID   string `json:"vpc_id"`
	BytesTx int64  `json:"bytes_tx"`
	BytesRx int64  `json:"bytes_rx"`

	Other  bool  `json:"other"`
	Groups int64 `json:"groups"`

	Flows    *int64 `json:"flows"`
	Complete string `json:"complete"`
}

// EachRow calls do for each row of an answer in NDJSON.
func EachRow(r io.Reader, do func(*Row) error) error {
	in := jsontext.NewDecoder(r)
	for {
		var row Row
		switch err := json.UnmarshalDecode(in, &row); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read the answer: %w", err)
		}
		if err := do(&row); err != nil {
			return err
		}
	}
}

// Layout is the columns of an answer.
type Layout struct {
	fields []query.Field
	hours  bool // an answer to /hours
}

// NewLayout returns the columns of the answer to a question.
func NewLayout(path string, values url.Values) Layout {
	if path == PathHours {
		return Layout{fields: []query.Field{query.Hour}, hours: true}
	}
	names := strings.Split(values.Get("group_by"), ",")
	if !values.Has("group_by") {
		names = nil
		for f := range query.DefaultFields.All() {
			names = append(names, f.String())
		}
	}
	names = append(names, values.Get("series"))
	l := Layout{}
	for f := query.Hour; f <= query.VPCID; f++ {
		if slices.Contains(names, f.String()) {
			l.fields = append(l.fields, f)
		}
	}
	return l
}

// Table returns an empty table with the columns.
func (l Layout) Table(measure query.Measure) *table.Table {
	t := &table.Table{Measure: measure}
	headings := map[query.Field][]string{
		query.Hour: {"HOUR", "TIME (UTC)"}, query.Day: {"DAY (UTC)"}, query.SrcApp: {"SRC APP"},
		query.DestApp: {"DEST APP"}, query.VPCID: {"VPC"},
	}
	for _, f := range l.fields {
		t.Headings = append(t.Headings, headings[f]...)
	}
	if l.hours {
		t.More = []string{"FLOWS", "COMPLETE"}
	}
	return t
}

// Row returns a row of the table.
func (l Layout) Row(r *Row) table.Row {
	row := table.Row{Tx: query.SumOf(r.BytesTx), Rx: query.SumOf(r.BytesRx), Others: r.Other}
	for _, f := range l.fields {
		row.Names = append(row.Names, names(r, f)...)
	}
	if r.Other {
		if i := slices.Index(row.Names, ""); i >= 0 { // the first name, because no name is empty
			row.Names[i] = "other (" + output.Many(int(r.Groups), "group") + ")"
		}
	}
	if l.hours {
		flows := ""
		if r.Flows != nil {
			flows = strconv.FormatInt(*r.Flows, 10)
		}
		row.More = []string{flows, r.Complete}
	}
	return row
}

// names returns the cells of a field.
func names(r *Row, f query.Field) []string {
	ofAllTimes := r.Other && r.Hour == nil && r.Day == nil
	switch f {
	case query.Hour:
		if ofAllTimes {
			return []string{"", ""}
		}
		return []string{number(r.Hour), clock(r.Time, "2006-01-02 15:04")}
	case query.Day:
		if ofAllTimes {
			return []string{""}
		}
		if day := clock(r.Time, time.DateOnly); day != "" {
			return []string{day}
		}
		return []string{number(r.Day)}
	case query.SrcApp:
		return []string{r.SrcApp}
	case query.DestApp:
		return []string{r.DestApp}
	}
	return []string{r.VPCID}
}

// number returns the text of a number that may be absent.
func number(n *int64) string {
	if n == nil {
		return "-"
	}
	return strconv.FormatInt(*n, 10)
}

// clock returns a time in a layout, or "-" for a time that is absent.
func clock(text, layout string) string {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return "-"
	}
	return at.UTC().Format(layout)
}

// tableSink prints the rows of all pages as one table.
type tableSink struct {
	w      io.Writer
	style  table.Style
	layout Layout
	table  *table.Table
}

func newTableSink(w io.Writer, style table.Style, path string, values url.Values) *tableSink {
	layout := NewLayout(path, values)
	s := &tableSink{w: w, style: style, layout: layout, table: layout.Table(MeasureOf(values))}
	s.table.Footer = len(s.table.Headings) > 0 // a total is its own sum
	return s
}

// MeasureOf returns the sum that decides in a question: that of by, or that of sort.
func MeasureOf(values url.Values) query.Measure {
	for m := query.Bytes; m <= query.BytesRx; m++ {
		if values.Get("by") == m.String() || strings.TrimPrefix(values.Get("sort"), "-") == m.String() {
			return m
		}
	}
	return query.Bytes
}

func (s *tableSink) page(r io.Reader, _ bool) error {
	return EachRow(r, func(row *Row) error {
		s.table.Rows = append(s.table.Rows, s.layout.Row(row))
		return nil
	})
}

func (s *tableSink) end() error { return s.table.Write(s.w, s.style) }
