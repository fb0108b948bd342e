package parameter

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"flowring/internal/contract"
)

// Once returns the value of a parameter, and whether the query has it. It refuses a second value.
func Once(values url.Values, name string) (value string, given bool, err error) {
	all := values[name]
	switch len(all) {
	case 0:
		return "", false, nil
	case 1:
		return all[0], true, nil
	}
	return "", true, contract.Query.Errorf("%s is given %d times; give it once, or leave it out", name, len(all))
}

// Flag reports whether the query has a parameter, whose only value is want.
func Flag(values url.Values, name, want string) (bool, error) {
	value, given, err := Once(values, name)
	if err == nil && given && value != want {
		err = contract.Query.Errorf("%s is %s; it must be %s, or left out", name, Quoted(value), want)
	}
	return given && err == nil, err
}

// Integer returns the value of a parameter from least to most; def without the parameter.
func Integer(values url.Values, name string, def, least, most int64) (int64, error) {
	value, given, err := Once(values, name)
	if err != nil || !given {
		return def, err
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < least || n > most || value[0] == '+' {
		return def, contract.Query.Errorf("%s is %s; it must be an integer from %d to %d", name, Quoted(value), least, most)
	}
	return n, nil
}

// Choice returns the value of a parameter, which must be one of words; given is false without the parameter.
func Choice(values url.Values, name string, words []string) (word string, given bool, err error) {
	word, given, err = Once(values, name)
	if err == nil && given && !slices.Contains(words, word) {
		err = contract.Query.Errorf("%s is %s, the nearest known value is %s; the values are %s",
			name, Quoted(word), Nearest(word, words), strings.Join(words, ", "))
	}
	return word, given, err
}

// Need reads the two parameters for the need of a reader.
func Need(values url.Values) (contract.Need, error) {
	partial, err := Flag(values, "partial", "true")
	if err != nil {
		return 0, err
	}
	complete, err := Flag(values, "require", "complete")
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

// Quoted returns the beginning of a text from a client for a message: 64 bytes at most, in printable ASCII.
func Quoted(s string) string {
	const most = 64
	if len(s) > most {
		return strconv.QuoteToASCII(s[:most]) + "..."
	}
	return strconv.QuoteToASCII(s)
}
