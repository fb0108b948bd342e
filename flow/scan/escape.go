package scan

import (
	"unicode/utf16"
	"unicode/utf8"

	"flowring/flow/field"
)

// anyValues is values for strings with and without escapes.
func (s *Scanner) anyValues(i int, r *record) (end int) {
	s.unescaped = s.unescaped[:0]
	holes := s.template.holes
	for k := range holes {
		h := &holes[k]
		if i = s.value(h.field, h.quoted, i, r); i < 0 || k == len(holes)-1 {
			break
		}
		if i = s.match(&h.after, i); i < 0 {
			break
		}
	}
	return i
}

// anyText is text for a string with or without escapes.
func (s *Scanner) anyText(f field.Field, i int, r *record) (end int) {
	if end = s.text(f, i, r); end >= 0 && s.at(end) != '\\' {
		return end
	}
	if end, _, _, _ = s.plainText(i); s.at(end) != '\\' {
		return -1
	}
	return s.escapedText(f, i, end, r)
}

// escapedText reads the text of a string value whose first escape is at stop. A name that it reads is valid until the
// next record.
func (s *Scanner) escapedText(f field.Field, start, stop int, r *record) (end int) {
	const longest = 6 * field.MaxName // of a name with escapes, which have at most six bytes for each of the name
	isName := f <= field.VPCID
	if !isName && f != field.Unknown {
		return -1
	}
	first, next := len(s.unescaped), start
	for end = stop; s.at(end) == '\\'; end, _, _, _ = s.plainText(next) {
		c, after := s.escape(end)
		if after < 0 || isName && end-start > longest {
			return -1
		}
		if isName {
			s.unescaped = utf8.AppendRune(append(s.unescaped, s.body[next:end]...), c)
		}
		next = after
	}
	if !utf8.Valid(s.body[start:end]) || isName && end-start > longest {
		return -1
	}
	if !isName {
		return end
	}
	s.unescaped = append(s.unescaped, s.body[next:end]...)
	name := s.unescaped[first:]
	if len(name) > field.MaxName {
		return -1
	}
	var head [16]byte
	copy(head[:], name)
	r.names[f] = nameSpan{^first, len(s.unescaped), lowWord(&head), highWord(&head)}
	return end
}

// addUnescaped is add for a record with a name in s.unescaped.
func (s *Scanner) addUnescaped(r *record) bool {
	var symbols [len(r.names)]uint32
	for i, n := range r.names {
		text := s.body
		if n.start < 0 {
			text, n.start = s.unescaped, ^n.start
		}
		symbols[i] = s.table.symbol(text[n.start:n.end], n.lo, n.hi)
	}
	s.unescaped = s.unescaped[:0]
	return s.table.Add(r.numbers[2], Symbols{symbols[0], symbols[1], symbols[2]}, r.numbers[0], r.numbers[1])
}

// escape reads an escape of a string. It returns the character and the position after the escape, which is negative for
// half of a surrogate pair and for text that is no escape.
func (s *Scanner) escape(i int) (c rune, end int) {
	switch c := s.at(i + 1); c {
	case '"', '\\', '/':
		return rune(c), i + 2
	case 'b':
		return '\b', i + 2
	case 'f':
		return '\f', i + 2
	case 'n':
		return '\n', i + 2
	case 'r':
		return '\r', i + 2
	case 't':
		return '\t', i + 2
	}
	const unit = len(`\u0000`)
	c = s.codeUnit(i)
	if c >= 0 && !utf16.IsSurrogate(c) {
		return c, i + unit
	}
	if c = utf16.DecodeRune(c, s.codeUnit(i+unit)); c == utf8.RuneError {
		return 0, -1
	}
	return c, i + 2*unit
}

// codeUnit returns the code unit of UTF-16 of the escape at i, such as 0xe4 of \u00e4. It is negative if there is none.
func (s *Scanner) codeUnit(i int) (unit rune) {
	p := s.window(i)
	if p[0] != '\\' || p[1] != 'u' {
		return -1
	}
	for _, digit := range p[2:6] {
		value := hexValue(digit)
		if value < 0 {
			return -1
		}
		unit = unit<<4 | value
	}
	return unit
}

// hexValue returns the value of a hexadecimal digit; -1: it is none.
func hexValue(digit byte) rune {
	switch letter := digit | ' '; {
	case digit-'0' < 10:
		return rune(digit - '0')
	case letter-'a' < 6:
		return rune(letter-'a') + 10
	}
	return -1
}
