package ask

import (
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/internal/contract"
	"flowring/router/format"
	"flowring/router/parameter"
)

// Range is the part of a URL that chooses hours.
type Range struct{ From, To Time }

// Query is a question as its author asked it.
type Query struct {
	Range
	Spec query.Spec // without range and After, which Resolve fills in
	Need contract.Need
	Output

	page *page // of the cursor; nil for the first page
}

// Output is the form of an answer.
type Output struct {
	Format  format.Form // zero: the client did not name one
	Numbers bool        // sums are texts
}

// Parser reads the parameters of URLs.
type Parser struct {
	AnyHour bool // accept an hour that looks like a time in another unit, such as seconds since 1970
}

// hourParameters are the parameters of a GET of one hour.
var hourParameters = []string{"hour", "partial", "require"}

// Parameters returns the parameters of GET /flows.
func Parameters() []string {
	names := append(append([]string{}, hourParameters...), "from", "to")
	for _, f := range filterNames {
		names = append(names, f, f+excluded)
	}
	return append(names, "group_by", "top", "by", "series", "sort", "limit", "cursor", "min_bytes", "format", "numbers")
}

// IsQuery reports whether the parameters of GET /flows ask for more than one hour as a whole.
func IsQuery(values url.Values) bool {
	for name := range values {
		if !parameter.Ignored(name) && name != "hour" && name != "partial" && name != "require" {
			return true
		}
	}
	return false
}

// Parse reads the parameters of a query. The caller has refused unknown parameters.
func (p Parser) Parse(values url.Values) (*Query, error) {
	q := &Query{}
	steps := []func(url.Values) error{
		func(v url.Values) (err error) { q.Range, err = p.ParseRange(v); return err },
		q.parseFilters,
		q.parseGroup,
		q.parseTop,
		q.parseSort,
		q.parsePage,
		func(v url.Values) (err error) { q.Output, err = parseOutput(v); return err },
		func(v url.Values) (err error) { q.Need, err = parameter.Need(v); return err },
		q.parseCursor,
	}
	for _, step := range steps {
		if err := step(values); err != nil {
			return nil, err
		}
	}
	return q, nil
}

// ParseRange reads from and to, or hour.
func (p Parser) ParseRange(values url.Values) (Range, error) {
	if values.Has("hour") {
		return p.parseHourAsRange(values)
	}
	r := Range{To: afterNow}
	for _, end := range []struct {
		name string
		time *Time
	}{{"from", &r.From}, {"to", &r.To}} {
		text, given, err := parameter.Once(values, end.name)
		if err == nil && given {
			*end.time, err = p.parseTime(end.name, text)
		}
		if err != nil {
			return r, err
		}
		if !given && end.name == "from" {
			return r, contract.Query.Errorf("from is missing; ask for a range, as in from=-24h, or for one hour, as in hour=20")
		}
	}
	return r, nil
}

// parseHourAsRange reads hour=H, which is short for from=H and to=H+1.
func (p Parser) parseHourAsRange(values url.Values) (Range, error) {
	if values.Has("from") || values.Has("to") {
		return Range{}, contract.Query.Errorf("hour excludes from and to; leave hour out, or from and to")
	}
	hour, err := parseHour(values["hour"])
	if err == nil && hour == math.MaxInt64 {
		err = contract.Query.Errorf("hour is %d; a query has the hours before this one, and /flows?hour=%d answers it alone",
			hour, hour)
	}
	if err == nil {
		err = p.checkUnit("hour", int64(hour))
	}
	return Range{Time{Hours: int64(hour)}, Time{Hours: int64(hour) + 1}}, err
}

// Resolve returns the range in hours.
func (r Range) Resolve(now time.Time) (from, to flow.Hour, err error) {
	from, to = r.From.at(now), r.To.at(now)
	if from >= to {
		return from, to, contract.Query.Errorf("the range from %d to %d has no hours; to must be greater than from", from, to)
	}
	return from, to, nil
}

// Resolve returns the question with its range in hours.
func (q *Query) Resolve(now time.Time) (*query.Spec, error) {
	spec := q.Spec
	var err error
	if q.page != nil {
		spec.From, spec.To, spec.After = q.page.from, q.page.to, &q.page.after
	} else if spec.From, spec.To, err = q.Range.Resolve(now); err != nil {
		return nil, err
	}
	if err := spec.Validate(); err != nil {
		return nil, contract.Query.Errorf("%w", err)
	}
	return &spec, nil
}

// parseOutput reads the parameters about the form of an answer.
func parseOutput(values url.Values) (out Output, err error) {
	name, given, err := parameter.Choice(values, "format", format.FormNames())
	if err != nil {
		return out, err
	}
	if given {
		out.Format = format.Named(name)
	}
	out.Numbers, err = parameter.Flag(values, "numbers", "string")
	return out, err
}

// parsePage reads limit and min_bytes.
func (q *Query) parsePage(values url.Values) error {
	limit, err := parameter.Integer(values, "limit", 0, 1, 1<<31-1)
	if err != nil {
		return err
	}
	q.Spec.Limit = int(limit)
	q.Spec.MinBytes, err = parameter.Integer(values, "min_bytes", 0, 0, 1<<63-1)
	return err
}

// Values returns parameters that ask for the query, without its cursor.
func (q *Query) Values() url.Values {
	values := q.Range.Values()
	q.addFilters(values)
	q.addGroup(values)
	q.addTop(values)
	q.addSort(values)
	if q.Spec.Limit > 0 {
		values.Set("limit", strconv.Itoa(q.Spec.Limit))
	}
	if q.Spec.MinBytes > 0 {
		values.Set("min_bytes", strconv.FormatInt(q.Spec.MinBytes, 10))
	}
	if q.Format != format.Unnamed {
		values.Set("format", q.Format.String())
	}
	if q.Numbers {
		values.Set("numbers", "string")
	}
	switch q.Need {
	case contract.NeedComplete:
		values.Set("require", "complete")
	case contract.NeedPartial:
		values.Set("partial", "true")
	}
	return values
}

// Values returns the parameters of the range.
func (r Range) Values() url.Values {
	values := url.Values{"from": {r.From.String()}}
	if r.To != afterNow {
		values.Set("to", r.To.String())
	}
	return values
}

// list splits a list with commas.
func list(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}
