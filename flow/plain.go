package flow

import "bytes"

// window returns the 16 bytes of body from i on; 0 for those behind its end. It is valid until the next call.
func (s *scanner) window(i int) *[16]byte {
	if i > len(s.body)-16 {
		return s.lastWindow(i)
	}
	return (*[16]byte)(s.body[i:])
}

// lastWindow is window where fewer than 16 bytes are left. It is kept out of window, which is everywhere.
//
//go:noinline
func (s *scanner) lastWindow(i int) *[16]byte {
	s.last = [16]byte{}
	if i < len(s.body) {
		copy(s.last[:], s.body[i:])
	}
	return &s.last
}

// digits reads the digits from i on, 1 to 16 of them and without a leading zero, up to the first byte that is none. end is
// negative when there is something else.
func (s *scanner) digits(i int) (n uint64, end int) {
	p := s.window(i)
	values, marks := nonDigits(lower(p))
	digits := first(marks)
	if digits == 0 || values&0xff == 0 && digits > 1 {
		return 0, -1
	}
	if digits < 8 {
		return eightDigits(values << (-8 * digits & 63)), i + digits
	}
	n = eightDigits(values)
	values, marks = nonDigits(upper(p))
	digits = first(marks)
	if end = i + 8 + digits; digits == 8 && s.at(end)-'0' < 10 {
		return 0, -1
	}
	return n*powers[digits] + eightDigits(values<<(64-8*digits)), end
}

var powers = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8}

// plain reads plain text from i on up to the first byte that is none, which may be the end of body. lo and hi are its first 16
// bytes, 0 behind its end; wide is not 0 when there are others than ASCII in it.
func (s *scanner) plain(i int) (end int, lo, hi, wide uint64) {
	p := s.window(i)
	lo = lower(p)
	if marks := stops(lo); marks != 0 {
		lo &= before(marks)
		return i + first(marks), lo, 0, lo & highs
	}
	hi = upper(p)
	if marks := stops(hi); marks != 0 {
		hi &= before(marks)
		return i + 8 + first(marks), lo, hi, (lo | hi) & highs
	}
	end, wide = s.longPlain(i + 16)
	return end, lo, hi, (lo | hi | wide) & highs
}

// longPlain is plain for what follows the first 16 bytes.
func (s *scanner) longPlain(i int) (end int, wide uint64) {
	for end = i; ; end += 8 {
		w := lower(s.window(end))
		if marks := stops(w); marks != 0 {
			return end + first(marks), wide | w&before(marks)
		}
		wide |= w
	}
}

// scalar reads a number of any kind, true, false or null.
func (s *scanner) scalar(i int) (end int) {
	for end = i; s.at(end) > ' ' && s.at(end) != ',' && s.at(end) != '}'; {
		end++
	}
	raw := s.body[i:end]
	if isNumber(raw) || string(raw) == "true" || string(raw) == "false" || string(raw) == "null" {
		return end
	}
	return -1
}

// isNumber reports whether b is a number as JSON writes them.
func isNumber(b []byte) bool {
	b = bytes.TrimPrefix(b, []byte("-"))
	rest := behindDigits(b)
	if whole := len(b) - len(rest); whole == 0 || whole > 1 && b[0] == '0' {
		return false
	}
	if fraction, is := bytes.CutPrefix(rest, []byte(".")); is {
		if rest = behindDigits(fraction); len(rest) == len(fraction) {
			return false
		}
	}
	if len(rest) == 0 || rest[0]|' ' != 'e' {
		return len(rest) == 0
	}
	exponent := rest[1:]
	if len(exponent) > 0 && (exponent[0] == '+' || exponent[0] == '-') {
		exponent = exponent[1:]
	}
	return len(exponent) > 0 && len(behindDigits(exponent)) == 0
}

// behindDigits returns b without the digits that it begins with.
func behindDigits(b []byte) []byte {
	for len(b) > 0 && b[0]-'0' < 10 {
		b = b[1:]
	}
	return b
}
