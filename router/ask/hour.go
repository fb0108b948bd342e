package ask

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"flowring/flow"
	"flowring/flow/field"
	"flowring/internal/contract"
	"flowring/router/parameter"
)

// ParseHour reads the parameters of a GET of one hour: hour, partial and require.
func ParseHour(values url.Values) (flow.Hour, contract.Need, error) {
	hour, err := parseHour(values["hour"])
	if err != nil {
		return 0, 0, err
	}
	need, err := parameter.Need(values)
	return hour, need, err
}

func parseHour(values []string) (flow.Hour, error) {
	switch len(values) {
	case 0:
		return 0, contract.Query.Errorf("hour is missing; ask for one, as in /flows?hour=20")
	case 1:
	default:
		return 0, contract.Query.Errorf("hour is given %d times; ask for one, as in /flows?hour=20", len(values))
	}
	hour, err := strconv.ParseInt(values[0], 10, 64)
	if err != nil {
		return 0, contract.Query.Errorf("hour is %s; it must be an integer of 64 bits%s",
			parameter.Quoted(values[0]), hourHint(values[0]))
	}
	return flow.Hour(hour), nil
}

// hourHint returns the hour of a time written as text, as the end of a message. A query turns the + of a time into a
// space.
func hourHint(text string) string {
	if hour, ok := field.HourOfTime(strings.ReplaceAll(text, " ", "+")); ok {
		return fmt.Sprintf("; its hour is %d", hour)
	}
	return ", as in /flows?hour=20"
}
