package router

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"flowring/flow"
	"flowring/flow/field"
)

// queryError says what is wrong with the query of a GET, and what to do.
type queryError struct{ reason string }

func (e *queryError) Error() string { return e.reason }

// parseQuery reads which hour is asked for, and how completely.
func parseQuery(raw string) (flow.Hour, Need, error) {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return 0, 0, malformed(err)
	}
	hour, err := parseHour(query["hour"])
	if err != nil {
		return 0, 0, err
	}
	need, err := parseNeed(query)
	return hour, need, err
}

func malformed(err error) error { return &queryError{"the query is not well formed: " + err.Error()} }

func parseHour(values []string) (flow.Hour, error) {
	switch len(values) {
	case 0:
		return 0, &queryError{"hour is missing; ask for one, as in /flows?hour=20"}
	case 1:
	default:
		return 0, &queryError{fmt.Sprintf("hour is given %d times; ask for one, as in /flows?hour=20", len(values))}
	}
	hour, err := strconv.ParseInt(values[0], 10, 64)
	if err != nil {
		return 0, &queryError{fmt.Sprintf("hour is %s; it must be an integer of 64 bits%s", quoted(values[0]), hourHint(values[0]))}
	}
	return flow.Hour(hour), nil
}

// hourHint says what to write instead of a text that is no hour. In the text of a time, a query has made + a space.
func hourHint(text string) string {
	if hour, ok := field.HourOfTime(strings.ReplaceAll(text, " ", "+")); ok {
		return fmt.Sprintf("; its hour is %d", hour)
	}
	return ", as in /flows?hour=20"
}

// parseNeed reads the two parameters that change what completeness is good enough.
func parseNeed(query url.Values) (Need, error) {
	partial, err := flag(query, "partial", "true")
	if err != nil {
		return 0, err
	}
	complete, err := flag(query, "require", "complete")
	switch {
	case err != nil:
		return 0, err
	case partial && complete:
		return 0, &queryError{"partial=true and require=complete contradict each other; leave one out"}
	case partial:
		return NeedPartial, nil
	case complete:
		return NeedComplete, nil
	}
	return NeedUnproven, nil
}

// flag reports whether the parameter is there; its only value is want.
func flag(query url.Values, name, want string) (bool, error) {
	values := query[name]
	switch {
	case len(values) == 0:
		return false, nil
	case len(values) > 1:
		return false, &queryError{fmt.Sprintf("%s is given %d times; give it once, or leave it out", name, len(values))}
	case values[0] != want:
		return false, &queryError{fmt.Sprintf("%s is %s; it must be %s, or left out", name, quoted(values[0]), want)}
	}
	return true, nil
}

// quoted renders what a client sent so that it fits into a message: printable ASCII, and not much of it.
func quoted(s string) string {
	const most = 64
	if len(s) > most {
		return strconv.QuoteToASCII(s[:most]) + "..."
	}
	return strconv.QuoteToASCII(s)
}
