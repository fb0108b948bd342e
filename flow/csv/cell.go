package csv

import (
	"bytes"

	"flowring/flow/field"
)

// cellReader reads cells of CSV (RFC 4180). It is stricter than encoding/csv, and it keeps a CRLF within quotes, which
// encoding/csv turns into LF.
type cellReader struct {
	rest     []byte
	line     int    // of rest, from 1
	unquoted []byte // the latest cell with doubled quotes, after their replacement
}

// skipEmptyLines skips the line ends before a row.
func (r *cellReader) skipEmptyLines() {
	for n := lineEnd(r.rest); n > 0; n = lineEnd(r.rest) {
		r.rest = r.rest[n:]
		r.line++
	}
}

// lineEnd returns the length of the line end at the beginning of text, or 0 if there is none.
func lineEnd(text []byte) int {
	switch {
	case bytes.HasPrefix(text, []byte("\n")):
		return 1
	case bytes.HasPrefix(text, []byte("\r\n")):
		return 2
	}
	return 0
}

// cell reads one cell and the comma or line end after it. The cell is valid until the next call; last reports whether
// it ends the row. Unless reason is empty, the text is not a valid cell for that reason.
func (r *cellReader) cell() (cell []byte, last bool, reason string) {
	if len(r.rest) > 0 && r.rest[0] == '"' {
		cell, reason = r.quoted()
	} else {
		cell, reason = r.bare()
	}
	if reason != "" {
		return nil, false, reason
	}
	if n := lineEnd(r.rest); n > 0 {
		r.rest = r.rest[n:]
		r.line++
		return cell, true, ""
	}
	if len(r.rest) == 0 {
		return cell, true, ""
	}
	if r.rest[0] != ',' {
		return nil, false, "must end behind its second quote, got more: " + field.Quote(r.rest)
	}
	r.rest = r.rest[1:]
	return cell, false, ""
}

// bare reads a cell without quotes, up to a comma or the end of the line.
func (r *cellReader) bare() (cell []byte, reason string) {
	end := 0
	for end < len(r.rest) && !endsBare(r.rest[end]) {
		end++
	}
	cell = r.rest[:end]
	if end < len(r.rest) && r.rest[end] == '"' {
		return nil, "must stand in quotes as a whole, its own quotes doubled, got " + field.Quote(r.rest)
	}
	r.rest = r.rest[end:]
	if len(r.rest) > 0 && r.rest[0] == '\r' && lineEnd(r.rest) == 0 {
		return nil, "must stand in quotes, as it has a carriage return that ends no line"
	}
	return cell, ""
}

func endsBare(c byte) bool { return c == ',' || c == '\n' || c == '\r' || c == '"' }

// quoted reads a cell between quotes. Two quotes within the cell stand for one.
func (r *cellReader) quoted() (cell []byte, reason string) {
	text := r.rest[1:]
	end := bytes.IndexByte(text, '"')
	if end >= 0 && !bytes.HasPrefix(text[end+1:], []byte(`"`)) {
		return r.consume(text[:end], end+2), ""
	}
	r.unquoted = r.unquoted[:0]
	for at := 0; ; {
		end := bytes.IndexByte(text[at:], '"')
		if end < 0 {
			return nil, "has a quote without its second; was the body cut short?"
		}
		r.unquoted = append(r.unquoted, text[at:at+end]...)
		at += end + 1
		if at == len(text) || text[at] != '"' {
			return r.consume(r.unquoted, at+1), ""
		}
		r.unquoted = append(r.unquoted, '"')
		at++
	}
}

// consume removes a quoted cell, which took n bytes with its quotes, from rest.
func (r *cellReader) consume(cell []byte, n int) []byte {
	r.line += bytes.Count(r.rest[:n], []byte("\n"))
	r.rest = r.rest[n:]
	return cell
}
