package format

import (
	"time"

	"flowring/flow/query"
)

// The hours of the years 0 to 9999: RFC 3339 has no other years.
const (
	firstHour = -17268672 // 0000-01-01T00:00:00Z
	lastHour  = 70389527  // 9999-12-31T23:00:00Z
)

// timeText returns the times of hours and days as text. It keeps the last one, because neighbouring rows often have one
// time.
type timeText struct {
	value int64
	text  string
}

// of returns the time at which an hour or a day begins; empty outside of the years of RFC 3339.
func (t *timeText) of(v int64, f query.Field) string {
	if t.text != "" && t.value == v {
		return t.text
	}
	t.value, t.text = v, ""
	if v < firstHour || v > lastHour { // also bounds a day, before the multiplication
		return ""
	}
	if f == query.Day {
		if v *= query.HoursOfDay; v < firstHour || v > lastHour {
			return ""
		}
	}
	t.text = time.Unix(v*3600, 0).UTC().Format(time.RFC3339)
	return t.text
}
