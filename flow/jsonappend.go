package flow

import "strconv"

// AppendRecord appends r as answers show it: a compact JSON object with the fields src_app, dest_app, vpc_id, bytes_tx, bytes_rx
// and hour, in this order. The names must be valid UTF-8.
func AppendRecord(dst []byte, r Record) []byte {
	dst = appendString(append(dst, `{"src_app":`...), r.SrcApp)
	dst = appendString(append(dst, `,"dest_app":`...), r.DestApp)
	dst = appendString(append(dst, `,"vpc_id":`...), r.VPCID)
	dst = strconv.AppendInt(append(dst, `,"bytes_tx":`...), r.BytesTx, 10)
	dst = strconv.AppendInt(append(dst, `,"bytes_rx":`...), r.BytesRx, 10)
	dst = strconv.AppendInt(append(dst, `,"hour":`...), int64(r.Hour), 10)
	return append(dst, '}')
}

// appendString appends s as a JSON string in which only what must be escaped is (RFC 8259, section 7).
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	plain := 0 // start of what is still to be copied as it is
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			dst = appendEscape(append(dst, s[plain:i]...), c)
			plain = i + 1
		}
	}
	return append(append(dst, s[plain:]...), '"')
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
