package ask

import (
	"net/url"
	"slices"
	"time"

	"flowring/flow/query"
	"flowring/internal/contract"
	"flowring/router/parameter"
)

// Hours is the question of GET /hours.
type Hours struct {
	Range
	Need contract.Need
	Output
}

// HoursParameters returns the parameters of GET /hours.
func HoursParameters() []string {
	return []string{"from", "to", "hour", "partial", "require", "format", "numbers"}
}

// ParseHours reads the parameters of GET /hours.
func (p Parser) ParseHours(values url.Values) (h Hours, err error) {
	if h.Range, err = p.ParseRange(values); err != nil {
		return h, err
	}
	if h.Output, err = parseOutput(values); err != nil {
		return h, err
	}
	h.Need, err = parameter.Need(values)
	return h, err
}

// StreamParameters returns the parameters of GET /flows/stream: those of a query, without pages and forms.
func StreamParameters() []string {
	return slices.DeleteFunc(Parameters(), func(name string) bool { return name == "cursor" || name == "format" })
}

// Names is the question of GET /names.
type Names struct {
	contract.NamesAsk
	Output
}

// NamesParameters returns the parameters of GET /names.
func NamesParameters() []string {
	return []string{"field", "prefix", "from", "to", "hour", "limit", "format"}
}

// The limit on names, without the parameter limit and at most.
const (
	defaultNames = 100
	mostNames    = 10_000
)

// ParseNames reads the parameters of GET /names.
func (p Parser) ParseNames(values url.Values, now time.Time) (n Names, err error) {
	field, given, err := parameter.Choice(values, "field", filterNames)
	switch {
	case err != nil:
		return n, err
	case !given:
		return n, contract.Query.Errorf("field is missing; ask for the names of one field, as in field=src_app; " +
			"app is either end")
	case field == "app":
		n.Either = true
	default:
		n.Field, _ = query.ParseField(field) // all other names of filters are fields
	}
	hours, err := p.ParseRange(values)
	if err != nil {
		return n, err
	}
	if n.From, n.To, err = hours.Resolve(now); err != nil {
		return n, err
	}
	if n.Prefix, _, err = parameter.Once(values, "prefix"); err != nil {
		return n, err
	}
	limit, err := parameter.Integer(values, "limit", defaultNames, 1, mostNames)
	if err != nil {
		return n, err
	}
	n.Limit = int(limit)
	n.Output, err = parseOutput(values)
	return n, err
}
