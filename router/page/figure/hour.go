package figure

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"flowring/flow"
	"flowring/flow/query"
)

// Hours are hours on a page, from an hour up to another one. In the convention of the unix epoch an hour has a time.
type Hours struct{ From, To flow.Hour }

// leastUnixHour and greatestUnixHour are the hours whose numbers are shown as times: those of 1980 and of 2200.
const (
	leastUnixHour    = 87_648
	greatestUnixHour = 2_016_168
)

// isTime reports whether an hour is shown as a time.
func isTime(h flow.Hour) bool { return h >= leastUnixHour && h < greatestUnixHour }

func timeOf(h flow.Hour) time.Time { return time.Unix(int64(h)*3600, 0).UTC() }

// Moment is an hour or a day for the template. The script shows it in local time if the reader asks for it.
type Moment struct {
	Machine string // for the datetime attribute; empty: the number is no time
	Text    string
}

// MomentOf returns the moment at which an hour begins.
func MomentOf(h flow.Hour) Moment {
	if !isTime(h) {
		return Moment{Text: "hour " + strconv.FormatInt(int64(h), 10)}
	}
	t := timeOf(h)
	return Moment{t.Format(time.RFC3339), t.Format("2006-01-02 15:04")}
}

// MomentOfKey returns the time of a group; field is query.Hour or query.Day.
func MomentOfKey(field query.Field, value int64) Moment {
	if field == query.Hour {
		return MomentOf(flow.Hour(value))
	}
	h := flow.Hour(value * query.HoursOfDay)
	if !isTime(h) {
		return Moment{Text: "day " + strconv.FormatInt(value, 10)}
	}
	return Moment{Text: timeOf(h).Format("2006-01-02")}
}

// Length returns the number of hours for reading.
func (h Hours) Length() string {
	switch n := int64(h.To - h.From); {
	case n == 1:
		return "1 hour"
	case n%query.HoursOfDay == 0 && n > query.HoursOfDay:
		return fmt.Sprintf("%d days", n/query.HoursOfDay)
	default:
		return fmt.Sprintf("%d hours", n)
	}
}

// Before returns the hours of the same number before h.
func (h Hours) Before() Hours { return Hours{Earlier(h.From, h.To-h.From), h.From} }

// Earlier returns the hour n hours before h, or the earliest hour.
func Earlier(h, n flow.Hour) flow.Hour {
	if h < math.MinInt64+n {
		return math.MinInt64
	}
	return h - n
}

// Begin and End are the bounds for the template.
func (h Hours) Begin() Moment { return MomentOf(h.From) }

// End returns the end of the range, which is the beginning of its first later hour.
func (h Hours) End() Moment { return MomentOf(h.To) }
