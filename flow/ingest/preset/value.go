package preset

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// integer reads a number of bytes or packets: digits, or a decimal number that is an integer below 2^53.
func integer(text string) (n uint64, ok bool) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err == nil {
		return n, true
	}
	if !strings.ContainsAny(text, ".eE") || strings.ContainsAny(text, "xXpP_") {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != math.Trunc(f) || f < 0 || f >= 1<<53 {
		return 0, false
	}
	return uint64(f), true
}

// units are the units of times, in nanoseconds.
var units = map[string]int64{"s": 1e9, "ms": 1e6, "us": 1e3, "ns": 1}

// rfc3339 is the unit of times as text.
const rfc3339 = "rfc3339"

// datetime is the unit of times as text of which some have no zone. They are in UTC. A text without a date is in
// seconds.
const datetime = "datetime"

// ofDatetime reads a time of unit datetime.
func ofDatetime(text string) (ns int64, ok bool) {
	if !strings.Contains(text, "-") {
		return instant(text, "s")
	}
	for _, layout := range [...]string{time.DateTime, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			return instant(t.Format(time.RFC3339Nano), rfc3339)
		}
	}
	return instant(text, rfc3339)
}

// usualDigits is the number of digits of the nanoseconds of the years 2001 to 2261.
const usualDigits = 19

// usualNanoseconds reads a time of usualDigits digits, which most times of metrics are. The sum fits in 64 bits.
func usualNanoseconds(text string) (ns int64, ok bool) {
	var n uint64
	for i := range usualDigits {
		digit := text[i] - '0'
		if digit > 9 {
			return 0, false
		}
		n = n*10 + uint64(digit)
	}
	return int64(n), n <= math.MaxInt64-1
}

// instant reads a time as nanoseconds since 1970. Numbers may have decimals; digits below a nanosecond are cut off.
func instant(text, unit string) (ns int64, ok bool) {
	if unit == datetime {
		return ofDatetime(text)
	}
	if unit == rfc3339 {
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil || t.Year() < 1679 || t.Year() > 2261 { // the years of which every time has a number of nanoseconds
			return 0, false
		}
		return t.UnixNano(), true
	}
	if unit == "ns" && len(text) == usualDigits {
		if ns, ok := usualNanoseconds(text); ok {
			return ns, true
		}
	}
	scale := units[unit]
	whole, decimals, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/scale-1 {
		return 0, false
	}
	ns = n * scale
	for _, digit := range []byte(decimals) {
		if digit < '0' || digit > '9' {
			return 0, false
		}
		scale /= 10
		ns += int64(digit-'0') * scale
	}
	return ns, true
}
