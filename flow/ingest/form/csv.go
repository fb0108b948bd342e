package form

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
)

// csvReader reads form csv.
type csvReader struct {
	fields []string
	row    []string
}

func newCSV(fields []string) *csvReader {
	return &csvReader{fields: fields, row: make([]string, len(fields))}
}

// Read implements Reader.
func (r *csvReader) Read(body []byte, to Sink) error {
	var columns []string
	lines := newCSVLines()
	for line := range tableRows(body) {
		switch lines.Kind(line) {
		case NoRecord:
		case HeaderLine:
			columns, _ = cells(line)
		case RecordLine:
			values, ok := cells(line)
			if !ok || len(values) != len(columns) {
				to.Malformed()
				continue
			}
			for i, field := range r.fields {
				r.row[i] = ""
				if at := slices.Index(columns, field); at >= 0 {
					r.row[i] = values[at]
				}
			}
			if err := to.Row(r.row); err != nil {
				return err
			}
		}
	}
	return nil
}

// tableRows yields the rows of a table without their ends. A row ends with the first line after which the number of
// quotes is even.
func tableRows(text []byte) func(yield func(row []byte) bool) {
	return func(yield func(row []byte) bool) {
		for len(text) > 0 {
			end, quotes := 0, 0
			for more := true; more; more = quotes%2 != 0 && end < len(text) {
				from := end
				if i := bytes.IndexByte(text[from:], '\n'); i >= 0 {
					end = from + i + 1
				} else {
					end = len(text)
				}
				quotes += bytes.Count(text[from:end], []byte(`"`))
			}
			if !yield(bytes.TrimRight(text[:end], "\r\n")) {
				return
			}
			text = text[end:]
		}
	}
}

// cells returns the values of a row, without white space around them.
func cells(row []byte) (values []string, ok bool) {
	if bytes.IndexByte(row, '"') < 0 {
		values = strings.Split(string(row), ",")
	} else {
		r := csv.NewReader(bytes.NewReader(row))
		var err error
		if values, err = r.Read(); err != nil {
			return nil, false
		}
	}
	for i, v := range values {
		values[i] = strings.TrimSpace(v)
	}
	return values, true
}

// newCSVLines returns the kinds of the rows of a table. The first row that is not empty is the header, and so is each
// row that is equal to it. A row with the one cell Summary, as nfdump writes it, ends the records until the next
// header.
func newCSVLines() *Lines {
	var header []byte
	ended := false
	columns := func(header []byte) []string {
		columns, _ := cells(header)
		return columns
	}
	return &Lines{Quoted: true, Columns: columns, kind: func(row []byte) LineKind {
		switch {
		case header == nil || bytes.Equal(row, header):
			header, ended = bytes.Clone(row), false
			return HeaderLine
		case string(bytes.TrimSpace(row)) == "Summary":
			ended = true
		}
		if ended {
			return NoRecord
		}
		return RecordLine
	}}
}
