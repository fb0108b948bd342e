package transcript

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"regexp"
	"strconv"
	"strings"
)

// placeholder matches {{...}}. repeated matches {{repeat N text}}, after the placeholders in its text are replaced.
var (
	placeholder = regexp.MustCompile(`\{\{([^{}]*)\}\}`)
	repeated    = regexp.MustCompile(`\{\{repeat (\d+) (.*?)\}\}`)
)

// vars are the values of the placeholders in a run.
type vars struct {
	hour int64
	run  string
}

// newVars draws the values of a run. Its hours are far after the hours of real records, are no microseconds of
// these years, and differ by at least 1000 from the hours of other runs. All have 16 digits, which keeps positions
// in a body the same in every run.
func newVars() vars {
	return vars{hour: 5e15 + 1000*mathrand.Int64N(4e12), run: strings.ToLower(rand.Text())}
}

// expand replaces the placeholders of a request.
func (v vars) expand(text string) (string, error) {
	var failed error
	out := placeholder.ReplaceAllStringFunc(text, func(p string) string {
		value, err := v.value(p[2 : len(p)-2])
		if err != nil {
			failed = fmt.Errorf("placeholder %s: %w", p, err)
		}
		return value
	})
	return repeated.ReplaceAllStringFunc(out, repeat), failed
}

// repeat returns the value of a match of repeated.
func repeat(match string) string {
	parts := repeated.FindStringSubmatch(match)
	n, err := strconv.Atoi(parts[1])
	if err != nil {
		return match
	}
	return strings.Repeat(parts[2], n)
}

// value returns the value of the placeholder with the inner text.
func (v vars) value(inner string) (string, error) {
	if plus, ok := strings.CutPrefix(inner, "hour+"); ok {
		n, err := strconv.ParseInt(plus, 10, 64)
		return strconv.FormatInt(v.hour+n, 10), err
	}
	if digits, ok := strings.CutPrefix(inner, "hex "); ok {
		raw, err := hex.DecodeString(digits)
		return string(raw), err
	}
	switch {
	case inner == "hour":
		return strconv.FormatInt(v.hour, 10), nil
	case inner == "run":
		return v.run, nil
	case strings.HasPrefix(inner, "repeat "):
		return "{{" + inner + "}}", nil
	}
	return "", errors.New("is not known here")
}

// pattern compiles the text of an answer. Everything but {{any}} and {{int}} must match literally.
func (v vars) pattern(text string) (*regexp.Regexp, error) {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	from := 0
	for _, at := range placeholder.FindAllStringIndex(text, -1) {
		b.WriteString(regexp.QuoteMeta(text[from:at[0]]))
		piece, err := v.piece(text[at[0]+2 : at[1]-2])
		if err != nil {
			return nil, fmt.Errorf("placeholder %s: %w", text[at[0]:at[1]], err)
		}
		b.WriteString(piece)
		from = at[1]
	}
	b.WriteString(regexp.QuoteMeta(text[from:]) + `\z`)
	return regexp.Compile(b.String())
}

// piece returns the pattern of one placeholder of an answer.
func (v vars) piece(inner string) (string, error) {
	switch inner {
	case "any":
		return `.*`, nil
	case "int":
		return `-?[0-9]+`, nil
	}
	value, err := v.expand("{{" + inner + "}}")
	return regexp.QuoteMeta(value), err
}

// collapse replaces the values of this run by their placeholders, for update mode. It looks for the hours of near, the
// expected text.
func (v vars) collapse(actual, near string) string {
	actual = strings.ReplaceAll(actual, v.run, "{{run}}")
	for _, m := range placeholder.FindAllString(near, -1) {
		if strings.HasPrefix(m, "{{hour") {
			if value, err := v.expand(m); err == nil {
				actual = strings.ReplaceAll(actual, value, m)
			}
		}
	}
	return actual
}
