package flow

import (
	"encoding/binary"
	"strconv"
)

// AppendRecord appends r as answers show it: a compact JSON object with the fields src_app, dest_app, vpc_id, bytes_tx, bytes_rx
// and hour, in this order. The names must be valid UTF-8.
func AppendRecord(dst []byte, r Record) []byte { return new(Appender).Append(dst, r) }

// Appender appends records as AppendRecord does. It keeps what one record has in common with the next: in an answer, which is
// sorted, the source and the hour. The zero value is ready to use; it serves one goroutine.
type Appender struct {
	src        string // of the record before
	hour       Hour
	begin, end []byte // what was appended for them, with what surrounds them; nil before the first record
}

// Append appends r to dst.
func (a *Appender) Append(dst []byte, r Record) []byte {
	if r.SrcApp != a.src || a.begin == nil {
		a.src = r.SrcApp
		a.begin = append(appendString(append(a.begin[:0], `{"src_app":`...), r.SrcApp), `,"dest_app":`...)
	}
	if r.Hour != a.hour || a.end == nil {
		a.hour = r.Hour
		a.end = append(strconv.AppendInt(append(a.end[:0], `,"hour":`...), int64(r.Hour), 10), '}')
	}
	dst = appendString(append(dst, a.begin...), r.DestApp)
	dst = appendString(append(dst, `,"vpc_id":`...), r.VPCID)
	dst = appendNumber(append(dst, `,"bytes_tx":`...), r.BytesTx)
	dst = appendNumber(append(dst, `,"bytes_rx":`...), r.BytesRx)
	return append(dst, a.end...)
}

// appendNumber is strconv.AppendInt for base 10: with it a record is written in a tenth less time.
func appendNumber(dst []byte, n int64) []byte {
	if n < 0 {
		return strconv.AppendInt(dst, n, 10)
	}
	if n >= 100_000_000 {
		dst = appendNumber(dst, n/100_000_000)
		return binary.LittleEndian.AppendUint64(dst, digitsOf(uint64(n%100_000_000))|'0'*ones)
	}
	digits := digitsOf(uint64(n))
	zeros := first(digits | 1<<63) // at the beginning; 7 of them if all are
	end := len(dst) + 8 - zeros
	return binary.LittleEndian.AppendUint64(dst, (digits|'0'*ones)>>(8*zeros))[:end]
}

// appendString appends s as a JSON string in which only what must be escaped is (RFC 8259, section 7).
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	if !plain(s) {
		return append(appendEscaped(dst, s), '"')
	}
	return append(append(dst, s...), '"')
}

func appendEscaped(dst []byte, s string) []byte {
	done := 0 // what is in front of it has been copied
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			dst = appendEscape(append(dst, s[done:i]...), c)
			done = i + 1
		}
	}
	return append(dst, s[done:]...)
}

// plain reports whether nothing in s must be escaped. It looks at eight bytes at a time: (x-n)&^x has the top bit of a byte set if
// that byte of x is below n, n at most 0x80, and never where no byte is (a borrow begins at a byte that is).
func plain(s string) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; len(s) >= 8; s = s[8:] {
		x := binary.LittleEndian.Uint64([]byte(s[:8]))
		quote, slash := x^ones*'"', x^ones*'\\'
		if ((x-ones*' ')&^x|(quote-ones)&^quote|(slash-ones)&^slash)&tops != 0 {
			return false
		}
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

func appendEscape(dst []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}
