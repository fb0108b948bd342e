package flow

import (
	"encoding/binary"
	"strconv"

	"flowring/flow/scan"
)

// AppendRecord appends r in the form of answers: a compact JSON object with the fields src_app, dest_app, vpc_id,
// bytes_tx, bytes_rx and hour, in this order. The names must be valid UTF-8.
func AppendRecord(dst []byte, r Record) []byte { return new(Appender).Append(dst, r) }

// Appender appends records like AppendRecord. It reuses the text of the source and of the hour while they stay the
// same, because an answer is sorted by source and usually has one hour. The zero value is ready to use. An Appender
// serves one goroutine.
type Appender struct {
	src        string // of the record before
	hour       Hour   // of the record before
	begin, end []byte // the text up to the value of dest_app and the text from the hour on; nil before the first record
}

// Append appends r to dst.
func (a *Appender) Append(dst []byte, r Record) []byte {
	if r.SrcApp != a.src || a.begin == nil {
		a.src = r.SrcApp
		a.begin = append(AppendName(append(a.begin[:0], beforeSrc...), r.SrcApp), beforeDest...)
	}
	dst = AppendName(append(dst, a.begin...), r.DestApp)
	dst = AppendName(append(dst, beforeVPC...), r.VPCID)
	return a.appendRest(dst, r.Totals, r.Hour)
}

// AppendTexts appends a record to dst whose names are JSON strings, as of AppendName. An Appender has either all its
// records from Append or all from AppendTexts.
func (a *Appender) AppendTexts(dst []byte, src, dest, vpc string, t Totals, hour Hour) []byte {
	if src != a.src || a.begin == nil {
		a.src = src
		a.begin = append(append(append(a.begin[:0], beforeSrc...), src...), beforeDest...)
	}
	dst = append(append(dst, a.begin...), dest...)
	dst = append(append(dst, beforeVPC...), vpc...)
	return a.appendRest(dst, t, hour)
}

const beforeSrc, beforeDest, beforeVPC = `{"src_app":`, `,"dest_app":`, `,"vpc_id":`

// appendRest appends the text behind the names.
func (a *Appender) appendRest(dst []byte, t Totals, hour Hour) []byte {
	if hour != a.hour || a.end == nil {
		a.hour = hour
		a.end = append(strconv.AppendInt(append(a.end[:0], `,"hour":`...), int64(hour), 10), '}')
	}
	dst = scan.AppendNumber(append(dst, `,"bytes_tx":`...), t.BytesTx)
	dst = scan.AppendNumber(append(dst, `,"bytes_rx":`...), t.BytesRx)
	return append(dst, a.end...)
}

// AppendName appends s as a JSON string with as few escapes as possible (RFC 8259, section 7).
func AppendName(dst []byte, s string) []byte {
	dst = append(dst, '"')
	if !plain(s) {
		return append(appendEscaped(dst, s), '"')
	}
	return append(append(dst, s...), '"')
}

func appendEscaped(dst []byte, s string) []byte {
	done := 0 // s[:done] has been copied
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			dst = appendEscape(append(dst, s[done:i]...), c)
			done = i + 1
		}
	}
	return append(dst, s[done:]...)
}

// plain reports whether s needs no escapes. It tests eight bytes at a time: (x-n)&^x sets the top bit of a byte that is
// less than n, for n up to 0x80. It sets no bit if all bytes are n or more, because only a lesser byte causes a borrow.
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
