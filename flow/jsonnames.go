package flow

import (
	"bytes"
	"strconv"
)

// NamesOf returns the source, the destination and the VPC of a record that AppendRecord wrote, as they stand in it: without the
// quotes, escaped. They are parts of record. ok is false for what AppendRecord does not write.
func NamesOf(record []byte) (names [3][]byte, ok bool) {
	rest := record
	for i, field := range [...]string{`{"src_app":"`, `,"dest_app":"`, `,"vpc_id":"`} {
		if rest, ok = bytes.CutPrefix(rest, []byte(field)); !ok {
			return names, false
		}
		end := endOfString(rest)
		if end < 0 {
			return names, false
		}
		names[i], rest = rest[:end], rest[end+1:]
	}
	return names, true
}

// endOfString returns where the quote is that ends a string, -1 if there is none.
func endOfString(s []byte) int {
	for from := 0; ; {
		i := bytes.IndexByte(s[from:], '"')
		if i < 0 {
			return -1
		}
		i += from
		escapes := 0
		for escapes < i && s[i-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return i
		}
		from = i + 1
	}
}

// CompareJSON compares two strings as AppendRecord writes them, by the bytes that they stand for.
func CompareJSON(a, b []byte) int {
	if bytes.IndexByte(a, '\\') < 0 && bytes.IndexByte(b, '\\') < 0 {
		return bytes.Compare(a, b)
	}
	return bytes.Compare(unescape(a), unescape(b))
}

// unescape undoes appendEscape.
func unescape(s []byte) []byte {
	plain := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			plain = append(plain, s[i])
			continue
		}
		i++
		switch s[i] {
		case 'b':
			plain = append(plain, '\b')
		case 'f':
			plain = append(plain, '\f')
		case 'n':
			plain = append(plain, '\n')
		case 'r':
			plain = append(plain, '\r')
		case 't':
			plain = append(plain, '\t')
		case 'u':
			end := min(len(s), i+5)
			code, _ := strconv.ParseUint(string(s[i+1:end]), 16, 8)
			plain = append(plain, byte(code))
			i = end - 1
		default:
			plain = append(plain, s[i])
		}
	}
	return plain
}
