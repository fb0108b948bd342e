package flow

import "unicode/utf8"

// scanner reads a body as nearly all senders write it: plain strings and plain integers. It never refuses anything. What it does
// not know it leaves to strict: a record that is out of the ordinary, or, when something is wrong, the body from its
// beginning. So all that it must be right about is what it accepts.
//
// A position is an offset in body. A method that reads something takes where it begins and returns where it ends; a negative
// position means that it is not plain.
type scanner struct {
	body   []byte
	build  *builder
	strict *strict // for single records; nil until it is needed

	last [16]byte // see window

	shape  shape            // of the records lately
	places [maxValues]place // of the values of the record that is read
	closed int              // where the last value of the record before ends; 0: not known
}

// observation is a record that the scanner has read.
type observation struct {
	names   [3]nameAt
	numbers [3]int64 // sent, received, hour
}

// nameAt is body[start:end], of which the first 16 bytes are lo and hi.
type nameAt struct {
	start, end int
	lo, hi     uint64
}

// reset makes the scanner one for body that adds to build.
func (s *scanner) reset(body []byte, build *builder) {
	s.body, s.build, s.strict = body, build, nil
	s.shape.slots, s.closed = nil, 0
}

// sequence reads the whole body, one record after the other, and reports whether it could.
func (s *scanner) sequence() bool {
	for i := s.space(0); i < len(s.body); i = s.space(i) {
		if s.body[i] != '{' {
			return false
		}
		if i = s.records(i); i < 0 {
			return false
		}
	}
	return true
}

// array reads the whole body and reports whether it could.
func (s *scanner) array() bool {
	i := s.space(s.space(0) + 1) // the bracket is known to be there
	for sep := byte(','); sep == ','; {
		if s.at(i) != '{' {
			return s.at(i) == ']' && s.build.records == 0 && s.space(i+1) == len(s.body)
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
func (s *scanner) records(i int) (end int) {
	if end = s.repeat(i); end != i {
		return end
	}
	if end = s.object(i); end >= 0 {
		return end
	}
	return s.leave(i)
}

// leave has a record read by strict.
func (s *scanner) leave(i int) (end int) {
	s.closed = 0
	if s.strict == nil {
		s.strict = newStrict(nil, s.build)
		s.strict.deepest = maxDepth - 1 // the array is not there
	}
	s.strict.reset(s.body[i:])
	if s.strict.object() != nil || s.strict.add() != nil {
		return -1
	}
	return i + int(s.strict.tokens.InputOffset())
}

// object reads one record, whatever the order of its fields and the white space, and learns its shape.
func (s *scanner) object(start int) (end int) {
	var (
		o    observation
		seen uint
		n    int // values
	)
	for i, sep := start, byte(','); sep == ','; n++ {
		p := s.member(i+1, &o)
		if p.end < 0 || p.field != numFields && seen>>p.field&1 != 0 {
			return -1
		}
		seen |= 1 << p.field
		s.places[min(n, maxValues-1)] = p
		i = p.end
		if p.text {
			i++
		}
		i = s.space(i)
		if sep = s.at(i); sep != ',' && sep != '}' {
			return -1
		}
		end = i + 1
	}
	const all = 1<<numFields - 1
	if seen&all != all || !s.add(&o) {
		return -1
	}
	s.learn(start, end, n)
	return end
}

// member reads a name and its value. The end of the place is negative when it cannot.
func (s *scanner) member(i int, o *observation) place {
	failed := place{end: -1}
	if i = s.space(i); s.at(i) != '"' {
		return failed
	}
	start := i + 1
	end, _, _, wide := s.plain(start)
	i = s.space(end + 1)
	if wide != 0 || s.at(end) != '"' || s.at(i) != ':' {
		return failed
	}
	var p place
	p.field, _ = fieldNamed(string(s.body[start:end]))
	p.start = s.space(i + 1)
	if p.text = s.at(p.start) == '"'; p.text {
		p.start++
	}
	p.end = s.value(p.field, p.text, p.start, o)
	if p.text && p.end >= 0 && s.at(p.end) != '"' {
		return failed
	}
	return p
}

// value reads the value of a field, of a string what stands between the quotes. The second of them is not looked at.
func (s *scanner) value(f field, text bool, i int, o *observation) (end int) {
	switch {
	case text:
		return s.text(f, i, o)
	case f == numFields:
		return s.scalar(i)
	case f <= fieldVPC:
		return -1
	}
	n, end := s.digits(i)
	if n > MaxBytes && f != fieldHour {
		return -1
	}
	o.numbers[f-fieldTx] = int64(n)
	return end
}

// text reads a string.
func (s *scanner) text(f field, i int, o *observation) (end int) {
	end, lo, hi, wide := s.plain(i)
	switch {
	case wide != 0 && !utf8.Valid(s.body[i:end]):
		return -1
	case f == numFields:
		return end
	case f > fieldVPC, end == i, end-i > MaxName:
		return -1
	}
	o.names[f] = nameAt{i, end, lo, hi}
	return end
}

// add adds a record and reports whether its sums can be held.
func (s *scanner) add(o *observation) bool {
	f := triple{s.symbol(&o.names[0]), s.symbol(&o.names[1]), s.symbol(&o.names[2])}
	return s.build.add(Hour(o.numbers[2]), f, Totals{o.numbers[0], o.numbers[1]}) == nil
}

func (s *scanner) symbol(n *nameAt) uint32 { return s.build.symbol(s.body[n.start:n.end], n.lo, n.hi) }

// at returns the byte at a position, 0 behind the end.
func (s *scanner) at(i int) byte {
	if uint(i) < uint(len(s.body)) {
		return s.body[i]
	}
	return 0
}

// space returns where the white space from i on ends.
func (s *scanner) space(i int) int {
	for i < len(s.body) && isSpace(s.body[i]) {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }
