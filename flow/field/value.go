package field

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// maxQuote is the largest number of bytes of an invalid value in a refusal.
const maxQuote = 40

// Integer returns the integer value of text for a field of bytes or for the hour. A number of bytes is 0 to maxSum; an
// hour is any 64-bit integer. The form is that of JSON: no plus sign, no leading zeros. Unless reason is empty, text is
// refused for that reason.
func Integer(f Field, text []byte, maxSum int64) (n int64, reason string) {
	least, most := int64(0), maxSum
	if f == Hour {
		least, most = math.MinInt64, math.MaxInt64
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || n < least || n > most || !canonical(text) {
		return 0, integerFault(f, text)
	}
	return n, ""
}

// canonical reports whether text has the form of a JSON number, given that strconv has parsed it as an integer.
func canonical(text []byte) bool {
	digits := bytes.TrimPrefix(text, []byte("-"))
	return digits[0] != '+' && (digits[0] != '0' || len(digits) == 1)
}

// integerFault returns the refusal of a text for a field that needs an integer.
func integerFault(f Field, text []byte) string {
	if hour, ok := HourOfTime(string(bytes.Trim(text, `"`))); ok && f == Hour {
		return fmt.Sprintf("%s; its hour is %d", Got(f.Want(), text), hour)
	}
	return Got(f.Want(), text) + integerHint(text)
}

// integerHint advises how to write the number, when the form of text shows the mistake.
func integerHint(text []byte) string {
	text = bytes.TrimLeft(text, " \t\r\n")
	if len(text) == 0 {
		return ""
	}
	switch c := text[0]; {
	case c == '"':
		return "; write the number without quotes"
	case (c == '-' || c-'0' < 10) && bytes.ContainsAny(text, ".eE"):
		return "; write it without fraction and exponent"
	}
	return ""
}

// Got returns a refusal with the wanted and the received value.
func Got(want string, text []byte) string { return want + ", got " + Quote(text) }

// Quote returns the beginning of text for a message: unchanged if it is printable, else as a Go string literal.
func Quote(text []byte) string {
	const more = "..."
	end := ""
	if len(text) > maxQuote {
		cut := maxQuote - len(more)
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text, end = text[:cut], more
	}
	if !utf8.Valid(text) || bytes.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(string(text)) + end
	}
	return string(text) + end
}

// NameFault returns the reason why s cannot be the name of an application or a VPC; it is empty for a valid name.
func NameFault(s string) string {
	switch {
	case s == "":
		return "must not be empty"
	case len(s) > MaxName:
		return fmt.Sprintf("must be at most %d bytes, got %d", MaxName, len(s))
	case !utf8.ValidString(s):
		return "must be valid UTF-8"
	}
	return ""
}
