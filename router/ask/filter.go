package ask

import (
	"net/url"

	"flowring/flow/query"
	"flowring/internal/contract"
	"flowring/router/parameter"
)

// filterNames are the parameters of filters. With a ! at its end, a parameter excludes: src_app!=x in a URL is the
// parameter "src_app!" with the value x.
var filterNames = []string{"src_app", "dest_app", "vpc_id", "app"}

const excluded = "!"

// The limits on filters.
const (
	MaxPatterns = 1000 // in all filters of a query together
	maxPattern  = 1024 // bytes of a pattern; a name has at most 256
)

func filtersOf(s *query.Spec) []*query.Filter {
	return []*query.Filter{&s.Filters.Src, &s.Filters.Dest, &s.Filters.VPC, &s.Filters.App}
}

func (q *Query) parseFilters(values url.Values) error {
	count := 0
	for i, filter := range filtersOf(&q.Spec) {
		var err error
		if filter.Include, err = patterns(values, filterNames[i]); err != nil {
			return err
		}
		if filter.Exclude, err = patterns(values, filterNames[i]+excluded); err != nil {
			return err
		}
		count += len(filter.Include) + len(filter.Exclude)
	}
	if count > MaxPatterns {
		return contract.Query.Errorf("the filters have %d values, and at most %d are allowed; use patterns such as web-*",
			count, MaxPatterns)
	}
	return nil
}

// patterns reads the values of one filter.
func patterns(values url.Values, name string) (all []query.Pattern, err error) {
	for _, text := range values[name] {
		switch {
		case text == "":
			return nil, contract.Query.Errorf("%s is empty; give a name or a pattern such as web-*, or leave it out", name)
		case len(text) > maxPattern:
			return nil, contract.Query.Errorf("%s is %s; a pattern has at most %d bytes",
				name, parameter.Quoted(text), maxPattern)
		}
		all = append(all, query.ParsePattern(text))
	}
	return all, nil
}

func (q *Query) addFilters(values url.Values) {
	for i, filter := range filtersOf(&q.Spec) {
		for _, p := range filter.Include {
			values.Add(filterNames[i], p.String())
		}
		for _, p := range filter.Exclude {
			values.Add(filterNames[i]+excluded, p.String())
		}
	}
}
