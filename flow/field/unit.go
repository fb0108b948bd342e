package field

import "fmt"

// units are the units of time often mistaken for hours, the longest first.
var units = [...]struct {
	name      string
	perSecond int64
}{
	{"seconds", 1}, {"milliseconds", 1e3}, {"microseconds", 1e6}, {"nanoseconds", 1e9},
}

const (
	year2000       = 946684800  // in seconds since 1970
	year2100       = 4102444800 // in seconds since 1970
	secondsPerHour = 3600
)

// UnitFault returns the refusal of an hour in another unit; it is empty for all other hours. A number counts as a time
// in a unit if, read in the unit, it lies between the years 2000 and 2100. The ranges of the units do not overlap.
func UnitFault(hour int64) string {
	if hour < year2000 { // nearly every hour
		return ""
	}
	for _, u := range units {
		if second := hour / u.perSecond; year2000 <= second && second < year2100 {
			return fmt.Sprintf("%d looks like %s since 1970; its hour is %d", hour, u.name, second/secondsPerHour)
		}
	}
	return ""
}
