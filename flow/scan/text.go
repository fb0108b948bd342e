package scan

// window returns the 16 bytes of body from i on, with zeros for those beyond its end. It is valid until the next call.
func (s *Scanner) window(i int) *[16]byte {
	if i > len(s.body)-16 {
		return s.paddedWindow(i)
	}
	return (*[16]byte)(s.body[i:])
}

// paddedWindow is window for fewer than 16 remaining bytes. It is not inlined, because window is and has many callers.
//
//go:noinline
func (s *Scanner) paddedWindow(i int) *[16]byte {
	s.padded = [16]byte{}
	if i < len(s.body) {
		copy(s.padded[:], s.body[i:])
	}
	return &s.padded
}

// plainText reads text from i up to a quote, a backslash, a control character or the end of body. lo and hi are its
// first 16 bytes, padded with zeros; nonASCII is not zero if the text has bytes beyond ASCII.
func (s *Scanner) plainText(i int) (end int, lo, hi, nonASCII uint64) {
	p := s.window(i)
	lo = lowWord(p)
	if marks := markStops(lo); marks != 0 {
		lo &= maskBefore(marks)
		return i + firstMarked(marks), lo, 0, lo & topBits
	}
	hi = highWord(p)
	if marks := markStops(hi); marks != 0 {
		hi &= maskBefore(marks)
		return i + 8 + firstMarked(marks), lo, hi, (lo | hi) & topBits
	}
	end, nonASCII = s.longText(i + 16)
	return end, lo, hi, (lo | hi | nonASCII) & topBits
}

// longText is plainText for the bytes after the first 16. The top bits of nonASCII are those of the text.
func (s *Scanner) longText(i int) (end int, nonASCII uint64) {
	for end = i; ; end += 8 {
		w := lowWord(s.window(end))
		if marks := markStops(w); marks != 0 {
			return end + firstMarked(marks), nonASCII | w&maskBefore(marks)
		}
		nonASCII |= w
	}
}

// at returns the byte at position i, or 0 beyond the end of body.
func (s *Scanner) at(i int) byte {
	if uint(i) < uint(len(s.body)) {
		return s.body[i]
	}
	return 0
}

// space returns the position after the white space that begins at i.
func (s *Scanner) space(i int) int {
	for i < len(s.body) && isSpace(s.body[i]) {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }
