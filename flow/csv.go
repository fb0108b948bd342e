package flow

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// maxColumns is how many columns a CSV body may have: what is known about each column takes memory (P16).
const maxColumns = 1000

// ErrTooManyRecords says that a body has more records than its reader allows.
var ErrTooManyRecords = errors.New("too many records")

// DecodeCSV is Decode for a body of CSV (RFC 4180): a header row that names the fields, in any order and among any others, and then one
// record a row. Rows end with LF or CRLF; empty lines and a byte order mark count for nothing. A body of more than most records is refused
// with an error that wraps ErrTooManyRecords: a row takes far fewer bytes than a record of JSON, and no less memory.
func (d *Decoder) DecodeCSV(body []byte, most int) (*Posting, error) {
	d.builder.Leniency = d.Leniency
	d.builder.reset(len(body) / likelyRow)
	t := csvTable{csvReader: csvReader{rest: bytes.TrimPrefix(body, []byte(byteOrderMark)), line: 1}, build: &d.builder}
	err := t.read(most)
	var p *Posting
	if err == nil {
		p = d.builder.posting()
	}
	if len(body) > maxKept {
		d.builder = builder{} // as Decode does
	}
	return p, err
}

const (
	likelyRow     = 40 // as likelyRecord
	byteOrderMark = "\xef\xbb\xbf"
)

// csvTable reads a CSV body into a builder.
type csvTable struct {
	csvReader
	build   *builder
	columns []field // numFields for a column that is not ours
	record
}

// read reads the whole body.
func (t *csvTable) read(most int) error {
	if err := t.header(); err != nil {
		return err
	}
	for t.skipEmptyLines(); len(t.rest) > 0; t.skipEmptyLines() {
		if t.build.records == most {
			return fmt.Errorf("%w: one request may have %d; send the others in other requests", ErrTooManyRecords, most)
		}
		if err := t.row(); err != nil {
			return err
		}
	}
	return nil
}

// header reads the names of the columns.
func (t *csvTable) header() error {
	const want = "must begin with a row of the names of the columns"
	if t.skipEmptyLines(); len(t.rest) == 0 {
		return headerError(t.line, "", want+", got an empty body")
	}
	if c := t.rest[0]; c == '[' || c == '{' {
		return headerError(t.line, "", want+", got JSON; say so with the header Content-Type: application/json")
	}
	line := t.line
	for last := false; !last; {
		line = t.line
		cell, end, reason := t.cell()
		if reason != "" {
			return headerError(line, "", reason)
		}
		f, spelling := fieldNamed(string(cell))
		if f < numFields {
			if before := t.seen[f]; before != "" {
				return headerError(line, spelling, fmt.Sprintf("must have one column, has two: %q and %q", before, spelling))
			}
			t.seen[f] = spelling
		}
		if len(t.columns) == maxColumns {
			return headerError(line, "", fmt.Sprintf("must have %d columns at most", maxColumns))
		}
		t.columns = append(t.columns, f)
		last = end
	}
	for f, name := range t.seen {
		if name == "" {
			return headerError(line, field(f).String(), "has no column; every record needs it")
		}
	}
	return nil
}

// row reads one record and adds it.
func (t *csvTable) row() error {
	start := t.line
	for i := 0; ; i++ {
		line := t.line
		cell, last, reason := t.cell()
		if reason == "" && i < len(t.columns) {
			reason = t.value(t.columns[i], cell)
		}
		switch {
		case reason != "":
			name := ""
			if i < len(t.columns) && t.columns[i] < numFields {
				name = t.seen[t.columns[i]]
			}
			return &RecordError{Index: t.build.records, Line: line, Field: name, Reason: reason, CSV: true}
		case last != (i == len(t.columns)-1):
			const want = "must have as many cells as the header, %d, has %s"
			how := "more"
			if last {
				how = strconv.Itoa(i + 1)
			}
			return &RecordError{Index: t.build.records, Line: start, Reason: fmt.Sprintf(want, len(t.columns), how), CSV: true}
		case last:
			return t.add(start)
		}
	}
}

// value takes a value of the record, or returns why it cannot.
func (t *csvTable) value(f field, cell []byte) (reason string) {
	switch {
	case !utf8.Valid(cell):
		return "must be valid UTF-8, got " + quote(cell)
	case f <= fieldVPC:
		return t.name(f, cell)
	case f == fieldTx, f == fieldRx:
		t.sums[f-fieldTx], reason = csvInteger(cell, wantBytes, 0, t.build.mostBytes())
	case f == fieldHour:
		t.hour, reason = csvInteger(cell, wantHour, -1<<63, 1<<63-1)
	}
	return reason
}

func (t *csvTable) name(f field, cell []byte) (reason string) {
	switch n := len(cell); {
	case n == 0:
		return wantName + ", got an empty cell"
	case n > MaxName:
		return fmt.Sprintf("%s, got %d bytes: %s", wantName, n, quote(cell))
	}
	t.names[f] = append(t.names[f][:0], cell...)
	return ""
}

// csvInteger reads a number as JSON writes integers.
func csvInteger(cell []byte, want string, lowest, highest int64) (n int64, reason string) {
	n, err := strconv.ParseInt(string(cell), 10, 64)
	if err != nil || !isNumber(cell) || n < lowest || n > highest {
		return 0, noInteger(want, cell)
	}
	return n, ""
}

// add adds the record that was read, which begins at a line.
func (t *csvTable) add(line int) error {
	b := t.build
	f := triple{b.symbolOf(t.names[0]), b.symbolOf(t.names[1]), b.symbolOf(t.names[2])}
	err := b.add(Hour(t.hour), f, Totals{t.sums[0], t.sums[1]})
	var refused *RecordError
	if errors.As(err, &refused) {
		refused.Line, refused.CSV = line, true
	}
	return err
}

// headerError returns the error about the header, a field of which stands on a line.
func headerError(line int, name, reason string) error {
	return &RecordError{Index: -1, Line: line, Field: name, Reason: reason, CSV: true}
}
