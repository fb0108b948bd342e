package scan

import (
	"unicode/utf16"
	"unicode/utf8"

	"flowring/flow/field"
)

// aliases are the names with escapes of a body, by their text in the body. Each name is unescaped once, because most
// names come again. The number of an alias is its index in texts.
type aliases struct {
	nameTable
	texts     []aliasText
	unescaped []byte // the names, one after the other
	inUse     bool   // by the body being read
}

// aliasText is the name unescaped[start:end]. An empty text is not valid.
type aliasText struct {
	start, end int
	symbol     uint32 // in the table, plus 1; 0: the table does not have the name yet
}

// maxKeptAliases limits the memory of aliases that is kept for the next body.
const maxKeptAliases = 64 << 10

// begin makes aliases ready for a body.
func (a *aliases) begin() {
	a.reset(64)
	a.texts, a.unescaped, a.inUse = a.texts[:0], a.unescaped[:0], true
}

// end ends a body.
func (a *aliases) end() {
	if a.inUse = false; cap(a.text) > maxKeptAliases {
		*a = aliases{}
	}
}

// anyText is text for a string with or without escapes.
func (s *Scanner) anyText(f field.Field, i int, r *record) (end int) {
	if end = s.text(f, i, r); end >= 0 && s.at(end) == '\\' {
		return s.escapedText(f, end, r)
	}
	return end
}

// escapedText reads the rest of a string value, which text has read up to its first escape at stop. It does not look at
// the escapes of a name, which unescape does.
func (s *Scanner) escapedText(f field.Field, stop int, r *record) (end int) {
	switch {
	case f == field.Unknown:
		return s.unknownText(stop)
	case f > field.VPCID:
		return -1
	}
	for end = stop; s.at(end) == '\\'; {
		end, _, _, _ = s.plainText(end + 2)
	}
	const longest = 6 * field.MaxName // of a name with escapes, which have at most six bytes for each of the name
	start := r.names[f].start
	if end-start > longest {
		return -1
	}
	p, size := s.window(start), end-start
	r.names[f] = nameSpan{^start, end, lowWord(p) & maskBytes(size), highWord(p) & maskBytes(size-8)}
	r.escaped = true
	return end
}

// unknownText reads the rest of the text of an unknown field, whose first escape is at stop.
func (s *Scanner) unknownText(stop int) (end int) {
	for end = stop; s.at(end) == '\\'; {
		_, after := s.escape(end)
		if after < 0 {
			return -1
		}
		end, _, _, _ = s.plainText(after)
	}
	if !utf8.Valid(s.body[stop:end]) {
		return -1
	}
	return end
}

// unescape gives each name with escapes of a record its alias: from now on its start is ^alias. It returns false if one
// is not valid.
func (s *Scanner) unescape(r *record) bool {
	a := &s.aliases
	if !a.inUse {
		a.begin()
	}
	for i := range r.names {
		n := &r.names[i]
		if n.start >= 0 {
			continue
		}
		raw := s.body[^n.start:n.end]
		number := int(a.symbol(raw, n.lo, n.hi))
		if number == len(a.texts) {
			start := len(a.unescaped)
			if !s.unescapeName(raw, ^n.start) {
				a.unescaped = a.unescaped[:start]
			}
			a.texts = append(a.texts, aliasText{start: start, end: len(a.unescaped)})
		}
		if t := a.texts[number]; t.start == t.end {
			return false
		}
		n.start = ^number
	}
	return true
}

// unescapeName appends the name raw, which begins at i, to the names of the aliases, and reports whether it is valid.
func (s *Scanner) unescapeName(raw []byte, i int) bool {
	a := &s.aliases
	first, end := len(a.unescaped), i+len(raw)
	for i < end {
		if s.body[i] != '\\' {
			stop, _, _, _ := s.plainText(i)
			a.unescaped = append(a.unescaped, s.body[i:stop]...)
			i = stop
			continue
		}
		c, after := s.escape(i)
		if after < 0 {
			return false
		}
		a.unescaped, i = utf8.AppendRune(a.unescaped, c), after
	}
	return len(a.unescaped)-first <= field.MaxName && utf8.Valid(raw)
}

// addEscaped is add for a record with names that have aliases.
func (s *Scanner) addEscaped(r *record) bool {
	var symbols [len(r.names)]uint32
	for i := range r.names {
		if n := &r.names[i]; n.start >= 0 {
			symbols[i] = s.symbol(n)
			continue
		}
		t := &s.aliases.texts[^r.names[i].start]
		if t.symbol == 0 {
			t.symbol = s.table.Symbol(s.aliases.unescaped[t.start:t.end]) + 1
		}
		symbols[i] = t.symbol - 1
	}
	r.escaped = false
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
