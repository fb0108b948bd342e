package format

import (
	"encoding/csv"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"flowring/flow/query"
)

// Table writes rows in one form.
type Table struct {
	form      Form
	texts     bool // sums are texts in JSON
	to        io.Writer
	columns   []string
	rows      int
	saturated bool

	cells  []string // CSV: of the present row
	csv    *csv.Writer
	object []byte // JSON: the present row
	filled bool   // the present object has a member
}

// NewTable returns a writer of rows with the given columns. texts writes sums as texts in JSON.
func NewTable(to io.Writer, form Form, texts bool, columns ...string) *Table {
	t := &Table{form: form, texts: texts, to: to, columns: columns}
	if form == CSV {
		// csv takes a bufio.Writer over as its own buffer, and would flush it at the end of the table.
		t.csv = csv.NewWriter(struct{ io.Writer }{to})
		t.cells = make([]string, 0, len(columns))
		t.csv.Write(columns) // into a buffer; Close returns its error
	}
	return t
}

// The cells of a row follow each other in the order of the columns.

// Text adds a cell with a text.
func (t *Table) Text(column, value string) {
	if t.csv != nil {
		t.cells = append(t.cells, value)
		return
	}
	t.member(column)
	t.object = appendQuoted(t.object, value)
}

// appendQuoted appends a text as a JSON string with as few escapes as possible.
func appendQuoted(dst []byte, text string) []byte {
	dst, _ = jsontext.AppendQuote(dst, text) // fails only for bytes other than UTF-8, which no name has
	return dst
}

// Integer adds a cell with a number that is no sum.
func (t *Table) Integer(column string, value int64) {
	if t.csv != nil {
		t.cells = append(t.cells, strconv.FormatInt(value, 10))
		return
	}
	t.member(column)
	t.object = strconv.AppendInt(t.object, value, 10)
}

// True adds a cell with the value true; Absent stands for false.
func (t *Table) True(column string) {
	if t.csv != nil {
		t.cells = append(t.cells, "true")
		return
	}
	t.member(column)
	t.object = append(t.object, "true"...)
}

// Absent leaves a cell out: CSV has an empty cell, and JSON has no member.
func (t *Table) Absent() {
	if t.csv != nil {
		t.cells = append(t.cells, "")
	}
}

// Sum adds a cell with a sum.
func (t *Table) Sum(column string, sum query.Sum) {
	value, saturated := sum.Int64()
	t.saturated = t.saturated || saturated
	if t.texts && t.csv == nil {
		t.member(column)
		t.object = append(strconv.AppendInt(append(t.object, '"'), value, 10), '"')
		return
	}
	t.Integer(column, value)
}

// member begins a member of the present object.
func (t *Table) member(name string) {
	if t.filled {
		t.object = append(t.object, ',')
	}
	t.filled = true
	t.object = append(append(append(t.object, '"'), name...), `":`...)
}

// begin begins a row.
func (t *Table) begin() {
	if t.csv != nil {
		t.cells = t.cells[:0]
		return
	}
	t.object, t.filled = t.object[:0], false
	if t.form == JSON {
		t.object = append(t.object, separator(t.rows)...)
	}
	t.object = append(t.object, '{')
}

func separator(rows int) string {
	if rows == 0 {
		return "["
	}
	return ",\n"
}

// end writes the row.
func (t *Table) end() error {
	t.rows++
	if t.csv != nil {
		return t.csv.Write(t.cells)
	}
	t.object = append(t.object, '}')
	if t.form == NDJSON {
		t.object = append(t.object, '\n')
	}
	_, err := t.to.Write(t.object)
	return err
}

// Close writes the end of the table. It does not close the writer below.
func (t *Table) Close() error {
	switch {
	case t.csv != nil:
		t.csv.Flush()
		return t.csv.Error()
	case t.form == NDJSON:
		return nil
	}
	end := "]\n"
	if t.rows == 0 {
		end = "[]\n"
	}
	_, err := io.WriteString(t.to, end)
	return err
}

// Count returns the number of rows so far.
func (t *Table) Count() int { return t.rows }

// Saturated reports whether a sum was greater than 2^63-1.
func (t *Table) Saturated() bool { return t.saturated }
