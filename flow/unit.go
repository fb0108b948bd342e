package flow

import "fmt"

// units are the units of time since 1970 that senders confuse with hours, the longest first.
var units = [...]struct {
	name   string
	second int64 // in the unit
}{
	{"seconds", 1}, {"milliseconds", 1e3}, {"microseconds", 1e6}, {"nanoseconds", 1e9},
}

const (
	year2000       = 946684800  // in seconds since 1970
	year2100       = 4102444800 // likewise
	secondsPerHour = 3600
)

// unitFault returns why an hour is taken for a time of another unit; empty for all other hours. A number is taken for one if, read
// in that unit, it lies between the years 2000 and 2100. No number does so in two units.
func unitFault(h Hour) string {
	if h < year2000 { // nearly every hour
		return ""
	}
	for _, u := range units {
		if second := int64(h) / u.second; year2000 <= second && second < year2100 {
			return fmt.Sprintf("%d looks like %s since 1970; its hour is %d", h, u.name, second/secondsPerHour)
		}
	}
	return ""
}
