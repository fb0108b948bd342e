package flow

import "bytes"

// csvReader reads cells of CSV. It is stricter than encoding/csv, and keeps what that changes: a CRLF within quotes.
type csvReader struct {
	rest  []byte
	line  int    // of rest, from 1
	plain []byte // a cell without its doubled quotes
}

// skipEmptyLines skips line ends in front of a row.
func (r *csvReader) skipEmptyLines() {
	for n := lineEnd(r.rest); n > 0; n = lineEnd(r.rest) {
		r.rest = r.rest[n:]
		r.line++
	}
}

// lineEnd returns how many bytes the line end has that text begins with; 0 when it begins with none.
func lineEnd(text []byte) int {
	switch {
	case bytes.HasPrefix(text, []byte("\n")):
		return 1
	case bytes.HasPrefix(text, []byte("\r\n")):
		return 2
	}
	return 0
}

// cell reads one cell and what ends it. The cell is valid until the next call. Last reports whether the row ends with it. The reason is
// empty unless the cell is none.
func (r *csvReader) cell() (cell []byte, last bool, reason string) {
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
		return nil, false, "must end behind its second quote, got more: " + quote(r.rest)
	}
	r.rest = r.rest[1:]
	return cell, false, ""
}

// bare reads a cell without quotes, up to a comma or the end of the line.
func (r *csvReader) bare() (cell []byte, reason string) {
	end := 0
	for end < len(r.rest) && !endsBare(r.rest[end]) {
		end++
	}
	cell = r.rest[:end]
	if end < len(r.rest) && r.rest[end] == '"' {
		return nil, "must stand in quotes as a whole, its own quotes doubled, got " + quote(r.rest)
	}
	r.rest = r.rest[end:]
	if len(r.rest) > 0 && r.rest[0] == '\r' && lineEnd(r.rest) == 0 {
		return nil, "must stand in quotes, as it has a carriage return that ends no line"
	}
	return cell, ""
}

func endsBare(c byte) bool { return c == ',' || c == '\n' || c == '\r' || c == '"' }

// quoted reads a cell between quotes; two quotes within it stand for one.
func (r *csvReader) quoted() (cell []byte, reason string) {
	text := r.rest[1:]
	end := bytes.IndexByte(text, '"')
	if end >= 0 && !bytes.HasPrefix(text[end+1:], []byte(`"`)) {
		return r.closed(text[:end], end+2), ""
	}
	r.plain = r.plain[:0]
	for at := 0; ; {
		end := bytes.IndexByte(text[at:], '"')
		if end < 0 {
			return nil, "has a quote without its second; was the body cut short?"
		}
		r.plain = append(r.plain, text[at:at+end]...)
		at += end + 1
		if at == len(text) || text[at] != '"' {
			return r.closed(r.plain, at+1), ""
		}
		r.plain = append(r.plain, '"')
		at++
	}
}

// closed takes a cell of n bytes, quotes included, from the rest.
func (r *csvReader) closed(cell []byte, n int) []byte {
	r.line += bytes.Count(r.rest[:n], []byte("\n"))
	r.rest = r.rest[n:]
	return cell
}
