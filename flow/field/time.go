package field

import "strings"

// HourOfTime returns the number of the hour, counted from 1970, of a time in the format of RFC 3339, such as
// 2026-11-30T09:15:00+01:00. It reports false for any other text.
func HourOfTime(text string) (hour int64, ok bool) {
	const form = "dddd-dd-ddTdd:dd:dd"
	if len(text) <= len(form) {
		return 0, false
	}
	clock, zone := strings.ToUpper(text[:len(form)]), text[len(form):]
	if fraction, is := strings.CutPrefix(zone, "."); is {
		zone = strings.TrimLeft(fraction, "0123456789")
		ok = len(zone) < len(fraction)
	} else {
		ok = true
	}
	offset, known := zoneOffset(strings.ToUpper(zone))
	if !ok || !known || !matches(clock, form) {
		return 0, false
	}
	year, month, day := number(clock[:4]), number(clock[5:7]), number(clock[8:10])
	hours, minute, second := number(clock[11:13]), number(clock[14:16]), number(clock[17:])
	if month < 1 || month > 12 || day < 1 || hours > 23 || minute > 59 || second > 60 { // 60: a leap second
		return 0, false
	}
	days := daysTo(year, month, day)
	if days >= daysTo(year+month/12, month%12+1, 1) {
		return 0, false
	}
	minutes := 1440*days + 60*hours + minute - offset
	return int64(floor(minutes, 60)), true
}

// zoneOffset returns the offset of a time zone in minutes. The zone is Z or has a form such as +01:00 or -05:30.
func zoneOffset(zone string) (minutes int, ok bool) {
	if zone == "Z" {
		return 0, true
	}
	if !matches(zone, "+dd:dd") && !matches(zone, "-dd:dd") {
		return 0, false
	}
	hours, minutes := number(zone[1:3]), number(zone[4:])
	if minutes += 60 * hours; zone[0] == '-' {
		minutes = -minutes
	}
	return minutes, hours < 24 && number(zone[4:]) < 60
}

// matches reports whether text has the given form, in which d stands for any digit.
func matches(text, form string) bool {
	if len(text) != len(form) {
		return false
	}
	for i := range len(text) {
		if digit := text[i]-'0' < 10; form[i] == 'd' && !digit || form[i] != 'd' && text[i] != form[i] {
			return false
		}
	}
	return true
}

// number returns the value of decimal digits.
func number(digits string) (n int) {
	for i := range len(digits) {
		n = 10*n + int(digits[i]-'0')
	}
	return n
}

// daysTo returns the number of days from 1 January 1970 to a date. Years begin in March here, so that the leap day is
// the last day of its year. The algorithm is days_from_civil of Howard Hinnant, "chrono-Compatible Low-Level Date
// Algorithms".
func daysTo(year, month, day int) int {
	if month <= 2 {
		year--
	}
	era := floor(year, 400)
	ofEra := year - 400*era
	ofYear := (153*((month+9)%12)+2)/5 + day - 1
	return 146097*era + 365*ofEra + ofEra/4 - ofEra/100 + ofYear - 719468
}

// floor returns a/b rounded down.
func floor(a, b int) int {
	if a < 0 {
		return -((b - 1 - a) / b)
	}
	return a / b
}
