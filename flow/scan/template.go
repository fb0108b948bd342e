package scan

import "flowring/flow/field"

// maxValues is the largest number of values in a template.
const maxValues = 16

// template is the form of a record: the literal text around its values. A program that sends records writes all of them
// in one form, so the template of one record usually fits the next. If every literal of the template matches, only the
// values remain to be parsed. A matching record is valid, because the record of the template was accepted and the
// values are of the same kinds.
type template struct {
	holes   []hole  // in the order of the values; empty: there is no template
	open    literal // from the opening brace to the first value
	close   literal // from the last value through the closing brace
	between literal // from the last value to the first value of the next record; empty: not known
	unfit   int     // forms of records since a template fit a record
	array   [maxValues]hole
}

// hole is the position of a value in a template.
type hole struct {
	field  field.Field
	quoted bool    // the quotes belong to the literals
	after  literal // up to the next value; not used in the last hole
}

// literal is body[start:end].
type literal struct {
	start, end     int
	lo, hi         uint64 // the first 16 bytes, padded with zeros
	loMask, hiMask uint64 // the bits of lo and hi without the padding
}

// valueSpan is a value in the record being read: body[start:end].
type valueSpan struct {
	field      field.Field
	quoted     bool
	start, end int
}

// learn makes a template of the record body[start:end], which has n values. If the latest forms were of no use, most
// records of the body have forms of their own, and learn makes a template of one record in sixteen.
func (s *Scanner) learn(start, end, n int) {
	t := &s.template
	if t.unfit++; n > maxValues || t.tooManyForms() && t.unfit%16 != 0 {
		t.holes, s.lastEnd = nil, 0
		return
	}
	spans := s.spans[:n]
	t.holes = t.array[:n]
	for i, v := range spans {
		t.holes[i] = hole{field: v.field, quoted: v.quoted}
		if i > 0 {
			t.holes[i-1].after = s.literal(spans[i-1].end, v.start)
		}
	}
	s.lastEnd = spans[n-1].end
	t.open = s.literal(start, spans[0].start)
	t.close = s.literal(s.lastEnd, end)
	t.between = literal{}
}

// tooManyForms reports whether the latest forms were of no use.
func (t *template) tooManyForms() bool { return t.unfit > 8 }

// literal returns the literal body[start:end].
func (s *Scanner) literal(start, end int) literal {
	p := s.window(start)
	loMask, hiMask := maskBytes(end-start), maskBytes(end-start-8)
	return literal{start, end, lowWord(p) & loMask, highWord(p) & hiMask, loMask, hiMask}
}

// maskBytes returns a mask of the first n bytes of a word. It treats n below 0 as 0 and n above 8 as 8.
func maskBytes(n int) uint64 { return 1<<(8*max(0, min(n, 8))) - 1 }

// match returns the position after the literal if body has it at i, else -1.
func (s *Scanner) match(l *literal, i int) int {
	p, n := s.window(i), l.end-l.start
	if (lowWord(p)^l.lo)&l.loMask|(highWord(p)^l.hi)&l.hiMask != 0 {
		return -1
	}
	if n > 16 && (len(s.body)-i < n || string(s.body[i+16:i+n]) != string(s.body[l.start+16:l.end])) {
		return -1
	}
	return i + n
}

// repeat reads consecutive records matching the template. It returns the position after the last of them, or i if the
// first record does not match.
func (s *Scanner) repeat(i int) (end int) {
	t := &s.template
	if len(t.holes) == 0 {
		return i
	}
	at := s.match(&t.open, i)
	if at >= 0 && s.lastEnd > 0 {
		t.between = s.literal(s.lastEnd, at)
	}
	var r record
	for at >= 0 {
		last := s.values(at, &r)
		if last < 0 {
			break
		}
		end := s.match(&t.close, last)
		if end < 0 {
			end = s.matchEscaped(&t.holes[len(t.holes)-1], &t.close, last, &r)
			last = end - (t.close.end - t.close.start)
		}
		if end < 0 || r.escaped && !s.unescape(&r) {
			break
		}
		if !s.add(&r) {
			return -1
		}
		s.lastEnd, i, at, t.unfit = last, end, -1, 0
		if t.between.end > 0 {
			at = s.match(&t.between, last)
		}
	}
	return i
}

// values reads the values of a record matching the template. The first value begins at i. It returns the position after
// the last value. The loop repeats the code of value, because one call less for each value saves 7 % of decoding.
func (s *Scanner) values(i int, r *record) (end int) {
	holes := s.template.holes
	for k := range holes {
		h := &holes[k]
		switch {
		case h.quoted:
			i = s.text(h.field, i, r)
		case h.field == field.Unknown:
			i = s.unknown(i)
		default:
			n, end := s.digits(i)
			if n > field.MaxBytes && h.field != field.Hour {
				return -1
			}
			r.numbers[h.field-field.BytesTx] = int64(n)
			i = end
		}
		if i < 0 {
			return -1
		}
		if k == len(holes)-1 {
			break
		}
		if end := s.match(&h.after, i); end >= 0 {
			i = end
			continue
		}
		if i = s.matchEscaped(h, &h.after, i, r); i < 0 {
			return -1
		}
	}
	return i
}

// matchEscaped is match for the literal behind a value that has an escape at i. The result is negative for any other
// value.
func (s *Scanner) matchEscaped(h *hole, l *literal, i int, r *record) int {
	if !h.quoted || s.at(i) != '\\' {
		return -1
	}
	if i = s.escapedText(h.field, i, r); i < 0 {
		return -1
	}
	return s.match(l, i)
}
