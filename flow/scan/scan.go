package scan

import (
	"unicode/utf8"

	"flowring/flow/field"
)

// RecordReader reads the records that the Scanner cannot read.
type RecordReader interface {
	// ReadRecord reads the record at the beginning of text and adds it to the table of the Scanner. It returns the
	// length of the record, and false if the record is not valid or a sum is too large.
	ReadRecord(text []byte) (n int, ok bool)
}

// Scanner reads one body at a time. The zero value is ready for Scan.
//
// A position is an offset in body. A method that reads a piece of text takes the position of its first byte and returns
// the position after its last byte. It returns a negative position if the text is not plain.
type Scanner struct {
	body   []byte
	table  *Table
	others RecordReader

	padded  [16]byte // the result of paddedWindow
	aliases aliases

	template template             // the form of the latest plain record
	spans    [maxValues]valueSpan // the values of the record being read
	lastEnd  int                  // the position after the last value of the record before; 0: not known
}

// record is a plain record after reading.
type record struct {
	names   [3]nameSpan
	numbers [3]int64 // bytes sent, bytes received, hour
	escaped bool     // a name has escapes
}

// nameSpan is the name body[start:end], or body[^start:end] with escapes if start is negative. The first 16 bytes of
// this text are lo and hi, padded with zeros. It has no pointer, because the write barrier would cost a tenth of the
// time.
type nameSpan struct {
	start, end int
	lo, hi     uint64
}

// Scan reads body and adds its records to table: an array of records, or one record after the other. It reports whether
// it read the whole body. If it did not, the table must not be used. A sum over 2^63-1 ends the
// scan too. All records except plain ones are read by others.
func (s *Scanner) Scan(body []byte, table *Table, others RecordReader) bool {
	s.body, s.table, s.others = body, table, others
	s.template.holes, s.template.unfit, s.lastEnd = nil, 0, 0
	i, ok := s.space(0), false
	switch s.at(i) {
	case '[':
		ok = s.array(i + 1)
	case '{':
		ok = s.sequence(i)
	}
	s.aliases.end()
	s.body, s.table, s.others = nil, nil, nil
	return ok
}

// sequence reads the body as one record after the other.
func (s *Scanner) sequence(i int) bool {
	for ; i < len(s.body); i = s.space(i) {
		if s.body[i] != '{' {
			return false
		}
		if i = s.records(i); i < 0 {
			return false
		}
	}
	return true
}

// array reads the rest of the body after the opening bracket.
func (s *Scanner) array(i int) bool {
	i = s.space(i)
	for sep := byte(','); sep == ','; {
		if s.at(i) != '{' {
			return s.at(i) == ']' && s.table.Records == 0 && s.space(i+1) == len(s.body)
		}
		if i = s.records(i); i < 0 {
			return false
		}
		i = s.space(i)
		if sep = s.at(i); sep == ']' {
			return s.space(i+1) == len(s.body)
		}
		i = s.space(i + 1)
	}
	return false
}

// records reads one record or more.
func (s *Scanner) records(i int) (end int) {
	if end = s.repeat(i); end != i {
		return end
	}
	if end = s.record(i); end >= 0 {
		return end
	}
	return s.delegate(i)
}

// delegate lets the RecordReader read one record.
func (s *Scanner) delegate(i int) (end int) {
	s.lastEnd = 0
	n, ok := s.others.ReadRecord(s.body[i:])
	if !ok {
		return -1
	}
	return i + n
}

// record reads one plain record that does not match the template.
func (s *Scanner) record(i int) (end int) {
	t := &s.template
	if t.tooManyForms() && (t.unfit+1)%16 != 0 {
		if end = s.anyOrder(i); end >= 0 {
			t.unfit++
			t.holes, s.lastEnd = nil, 0
			return end
		}
	}
	return s.object(i)
}

// object reads one plain record with any order of fields and any white space, and makes its form the template.
func (s *Scanner) object(start int) (end int) {
	var (
		r    record
		seen uint
		n    int // values
	)
	for i, sep := start, byte(','); sep == ','; n++ {
		v := s.member(i+1, &r)
		if v.end < 0 || v.field != field.Unknown && seen>>v.field&1 != 0 {
			return -1
		}
		seen |= 1 << v.field
		s.spans[min(n, maxValues-1)] = v
		i = v.end
		if v.quoted {
			i++
		}
		i = s.space(i)
		if sep = s.at(i); sep != ',' && sep != '}' {
			return -1
		}
		end = i + 1
	}
	const all = 1<<field.Count - 1
	if seen&all != all || r.escaped && !s.unescape(&r) || !s.add(&r) {
		return -1
	}
	s.learn(start, end, n)
	return end
}

// member reads the name of a field and its value. The end of the result is negative if they are not plain.
func (s *Scanner) member(i int, r *record) valueSpan {
	failed := valueSpan{end: -1}
	if i = s.space(i); s.at(i) != '"' {
		return failed
	}
	start := i + 1
	end, _, _, nonASCII := s.plainText(start)
	i = s.space(end + 1)
	if nonASCII != 0 || s.at(end) != '"' || s.at(i) != ':' {
		return failed
	}
	var v valueSpan
	v.field, _ = field.Named(string(s.body[start:end]))
	v.start = s.space(i + 1)
	if v.quoted = s.at(v.start) == '"'; v.quoted {
		v.start++
	}
	v.end = s.value(v.field, v.quoted, v.start, r)
	if v.quoted && v.end >= 0 && s.at(v.end) != '"' {
		return failed
	}
	return v
}

// value reads the value of a field. Of a quoted value it reads the text between the quotes and does not look at the
// closing quote.
func (s *Scanner) value(f field.Field, quoted bool, i int, r *record) (end int) {
	switch {
	case quoted:
		return s.anyText(f, i, r)
	case f == field.Unknown:
		return s.unknown(i)
	case f <= field.VPCID:
		return -1
	}
	n, end := s.digits(i)
	if n > field.MaxBytes && f != field.Hour {
		return -1
	}
	r.numbers[f-field.BytesTx] = int64(n)
	return end
}

// text reads the text of a string value up to its first escape.
func (s *Scanner) text(f field.Field, i int, r *record) (end int) {
	end, lo, hi, nonASCII := s.plainText(i)
	switch {
	case nonASCII != 0 && !utf8.Valid(s.body[i:end]):
		return -1
	case f == field.Unknown:
		return end
	case f > field.VPCID, end-i > field.MaxName, end == i && s.at(end) != '\\':
		return -1
	}
	r.names[f] = nameSpan{i, end, lo, hi}
	return end
}

// add adds a record to the table. It reports false if a sum is too large.
func (s *Scanner) add(r *record) bool {
	if r.escaped {
		return s.addEscaped(r)
	}
	f := Symbols{s.symbol(&r.names[0]), s.symbol(&r.names[1]), s.symbol(&r.names[2])}
	return s.table.Add(r.numbers[2], f, r.numbers[0], r.numbers[1])
}

func (s *Scanner) symbol(n *nameSpan) uint32 {
	return s.table.symbol(s.body[n.start:n.end], n.lo, n.hi)
}
