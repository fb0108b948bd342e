package ask

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"flowring/flow"
	"flowring/flow/field"
	"flowring/flow/query"
	"flowring/internal/contract"
	"flowring/router/parameter"
)

// Time is an end of a range, as a client writes it.
type Time struct {
	Hours    int64 // since the Unix epoch, or from the present hour
	Relative bool  // to the present hour
}

// afterNow is the end of a range without to: it includes the present hour.
var afterNow = Time{Hours: 1, Relative: true}

// farthest limits relative times, in hours, so that no sum overflows: ten million years.
const farthest = 1e11

// forms are the forms of a time, in messages.
const forms = "an hour such as 498897, a time such as 2026-11-30T09:00:00Z, or now, -24h, -7d"

// parseTime reads an end of a range. A query string turns the + of a time zone into a space.
func (p Parser) parseTime(name, text string) (Time, error) {
	if hour, err := strconv.ParseInt(text, 10, 64); err == nil {
		return Time{Hours: hour}, p.checkUnit(name, hour)
	}
	if text == "now" {
		return Time{Relative: true}, nil
	}
	if hour, ok := field.HourOfTime(strings.ReplaceAll(text, " ", "+")); ok {
		return Time{Hours: hour}, nil
	}
	if hours, ok := parseAgo(text); ok {
		return Time{Hours: -hours, Relative: true}, nil
	}
	return Time{}, contract.Query.Errorf("%s is %s; it must be %s", name, parameter.Quoted(text), forms)
}

// checkUnit refuses an hour that looks like a time in another unit. The end of a range is one greater than its hours.
func (p Parser) checkUnit(name string, hour int64) error {
	last := hour
	if name == "to" {
		last--
	}
	fault := field.UnitFault(last)
	if fault == "" || p.AnyHour {
		return nil
	}
	return contract.Query.Errorf("%s: %s", name, cmp.Or(field.UnitFault(hour), fault))
}

// parseAgo reads a relative time such as -24h and -7d, as a number of hours.
func parseAgo(text string) (hours int64, ok bool) {
	text, negative := strings.CutPrefix(text, "-")
	unit := int64(1)
	digits, isHours := strings.CutSuffix(text, "h")
	if !isHours {
		digits, ok = strings.CutSuffix(text, "d")
		unit = query.HoursOfDay
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if !negative || !isHours && !ok || err != nil || n > farthest {
		return 0, false
	}
	return int64(n) * unit, true
}

// String returns the time in a form for parseTime.
func (t Time) String() string {
	switch {
	case !t.Relative:
		return strconv.FormatInt(t.Hours, 10)
	case t.Hours == 0:
		return "now"
	}
	return fmt.Sprintf("%dh", t.Hours)
}

// at returns the hour of the time.
func (t Time) at(now time.Time) flow.Hour {
	if t.Relative {
		return HourOf(now) + flow.Hour(t.Hours)
	}
	return flow.Hour(t.Hours)
}

// HourOf returns the hour of a clock, counted from the Unix epoch.
func HourOf(now time.Time) flow.Hour {
	seconds := now.Unix()
	hour := seconds / 3600
	if seconds%3600 < 0 {
		hour--
	}
	return flow.Hour(hour)
}
