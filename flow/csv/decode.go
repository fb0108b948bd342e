package csv

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"flowring/flow"
	"flowring/flow/field"
)

// maxColumns is the largest number of columns of a body (P16).
const maxColumns = 1000

// Decoder parses CSV bodies. It reuses its working memory from one body to the next. The zero value is ready to use, by
// one goroutine at a time.
type Decoder struct {
	flow.Leniency
	builder flow.PostingBuilder
}

// Decode parses the body of a POST and adds the records up. The first fault in the body refuses the whole body, with a
// *flow.RecordError, with an error wrapping flow.ErrOverflow, or with one wrapping flow.ErrTooManyRecords if the body
// has more than maxRecords records. Decode does not change body and keeps no part of it.
func (d *Decoder) Decode(body []byte, maxRecords int) (*flow.Posting, error) {
	d.builder.Leniency = d.Leniency
	d.builder.Reset(len(body) / likelyRow)
	cells := cellReader{rest: bytes.TrimPrefix(body, []byte(byteOrderMark)), line: 1}
	t := table{cellReader: cells, builder: &d.builder}
	err := t.read(maxRecords)
	var p *flow.Posting
	if err == nil {
		p = d.builder.Posting()
	}
	d.builder.Release(len(body))
	return p, err
}

const (
	likelyRow     = 40 // the expected number of bytes of a row; it only decides how much room a table has at first
	byteOrderMark = "\xef\xbb\xbf"
)

// table reads a CSV body into a builder.
type table struct {
	cellReader
	builder   *flow.PostingBuilder
	columns   []field.Field       // by position; field.Unknown for other columns
	spellings [field.Count]string // of the fields in the header; empty: no column yet

	// The record being read.
	names [3][]byte
	sums  [2]int64
	hour  int64
}

// read reads the whole body.
func (t *table) read(maxRecords int) error {
	if err := t.header(); err != nil {
		return err
	}
	for t.skipEmptyLines(); len(t.rest) > 0; t.skipEmptyLines() {
		if t.builder.Records() == maxRecords {
			const text = "%w: one request may have %d; send the others in other requests"
			return fmt.Errorf(text, flow.ErrTooManyRecords, maxRecords)
		}
		if err := t.row(); err != nil {
			if err = t.builder.LeaveOut(err); err != nil {
				return err
			}
		}
	}
	return nil
}

// header reads the names of the columns.
func (t *table) header() error {
	const want = "must begin with a row of the names of the columns"
	if t.skipEmptyLines(); len(t.rest) == 0 {
		return headerFault(t.line, "", want+", got an empty body")
	}
	if c := t.rest[0]; c == '[' || c == '{' {
		return headerFault(t.line, "", want+", got JSON; say so with the header Content-Type: application/json")
	}
	line := t.line
	for last := false; !last; {
		line = t.line
		cell, end, reason := t.cell()
		if reason != "" {
			return headerFault(line, "", reason)
		}
		f, spelling := field.Named(string(cell))
		if f < field.Unknown {
			if before := t.spellings[f]; before != "" {
				const reason = "must have one column, has two: %q and %q"
				return headerFault(line, spelling, fmt.Sprintf(reason, before, spelling))
			}
			t.spellings[f] = spelling
		}
		if len(t.columns) == maxColumns {
			return headerFault(line, "", fmt.Sprintf("must have %d columns at most", maxColumns))
		}
		t.columns = append(t.columns, f)
		last = end
	}
	for f, name := range t.spellings {
		if name == "" {
			return headerFault(line, field.Field(f).String(), "has no column; every record needs it")
		}
	}
	return nil
}

// row reads one record and adds it. It reads the whole row, also if a cell is not valid, unless the text of a cell is
// broken.
func (t *table) row() error {
	start := t.line
	var fault error // the first one
	for i := 0; ; i++ {
		line := t.line
		cell, last, reason := t.cell()
		broken := reason != ""
		if !broken && i < len(t.columns) {
			reason = t.value(t.columns[i], cell)
		}
		if reason != "" && fault == nil {
			fault = t.cellFault(i, line, reason, broken)
		}
		if fault == nil && last != (i == len(t.columns)-1) {
			fault = t.lengthFault(i, start, last)
		}
		switch {
		case broken, fault != nil && (last || !t.builder.SetAside):
			return fault
		case last:
			return t.add(start)
		}
	}
}

// cellFault returns the error about cell i of the row being read.
func (t *table) cellFault(i, line int, reason string, broken bool) error {
	name := ""
	if i < len(t.columns) && t.columns[i] < field.Unknown {
		name = t.spellings[t.columns[i]]
	}
	return &flow.RecordError{
		Index: t.builder.Records(), Line: line, Field: name, Reason: reason, Syntax: flow.CSV, Broken: broken,
	}
}

// lengthFault returns the error about a row that ends with cell i, or does not end with it.
func (t *table) lengthFault(i, start int, last bool) error {
	const want = "must have as many cells as the header, %d, has %s"
	how := "more"
	if last {
		how = strconv.Itoa(i + 1)
	}
	reason := fmt.Sprintf(want, len(t.columns), how)
	return &flow.RecordError{Index: t.builder.Records(), Line: start, Reason: reason, Syntax: flow.CSV}
}

// value reads the value of a field. It returns the reason why the cell is not valid; the reason is empty for a valid
// one.
func (t *table) value(f field.Field, cell []byte) (reason string) {
	switch {
	case !utf8.Valid(cell):
		return "must be valid UTF-8, got " + field.Quote(cell)
	case f <= field.VPCID:
		return t.name(f, cell)
	case f == field.Unknown:
		return ""
	}
	n, reason := field.Integer(f, cell, t.builder.MaxSum())
	if f == field.Hour {
		t.hour = n
	} else {
		t.sums[f-field.BytesTx] = n
	}
	return reason
}

func (t *table) name(f field.Field, cell []byte) (reason string) {
	switch n := len(cell); {
	case n == 0:
		return f.Want() + ", got an empty cell"
	case n > flow.MaxName:
		return fmt.Sprintf("%s, got %d bytes: %s", f.Want(), n, field.Quote(cell))
	}
	t.names[f] = append(t.names[f][:0], cell...)
	return ""
}

// add adds the record of the row from the given line.
func (t *table) add(line int) error {
	totals := flow.Totals{BytesTx: t.sums[0], BytesRx: t.sums[1]}
	err := t.builder.Add(t.names[0], t.names[1], t.names[2], totals, flow.Hour(t.hour))
	var refused *flow.RecordError
	if errors.As(err, &refused) {
		refused.Line, refused.Syntax = line, flow.CSV
	}
	return err
}

// headerFault returns the error about the header; name is the field in question, which stands on the given line.
func headerFault(line int, name, reason string) error {
	return &flow.RecordError{Index: -1, Line: line, Field: name, Reason: reason, Syntax: flow.CSV}
}
