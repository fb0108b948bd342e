package router

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"flowring/flow"
	"flowring/flow/field"
	"flowring/internal/contract"
)

// parseQuery returns the hour and the need of GET /flows.
func parseQuery(raw string) (flow.Hour, contract.Need, error) {
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

func malformed(err error) error {
	return contract.Query.Errorf("the query is not well formed: %w", err)
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
			quoted(values[0]), hourHint(values[0]))
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

// parseNeed reads the two parameters for the need.
func parseNeed(query url.Values) (contract.Need, error) {
	partial, err := flag(query, "partial", "true")
	if err != nil {
		return 0, err
	}
	complete, err := flag(query, "require", "complete")
	switch {
	case err != nil:
		return 0, err
	case partial && complete:
		return 0, contract.Query.Errorf("partial=true and require=complete contradict each other; leave one out")
	case partial:
		return contract.NeedPartial, nil
	case complete:
		return contract.NeedComplete, nil
	}
	return contract.NeedUnproven, nil
}

// flag reports whether the query has a parameter, whose only value is want.
func flag(query url.Values, name, want string) (bool, error) {
	values := query[name]
	switch {
	case len(values) == 0:
		return false, nil
	case len(values) > 1:
		return false, contract.Query.Errorf("%s is given %d times; give it once, or leave it out", name, len(values))
	case values[0] != want:
		return false, contract.Query.Errorf("%s is %s; it must be %s, or left out", name, quoted(values[0]), want)
	}
	return true, nil
}

// quoted returns the beginning of a text from a client for a message: 64 bytes at most, in printable ASCII.
func quoted(s string) string {
	const most = 64
	if len(s) > most {
		return strconv.QuoteToASCII(s[:most]) + "..."
	}
	return strconv.QuoteToASCII(s)
}
