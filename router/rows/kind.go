package rows

import "flowring/flow/query"

// Kinds returns the kinds of questions, for metrics.
func Kinds() []string {
	return []string{"groups", "page", "sorted", "top", "series", KindHours, KindNames}
}

// The kinds of the questions beside queries.
const (
	KindHours = "hours"
	KindNames = "names"
)

// KindOf returns the kind of a query: all groups, a page of them, or the largest ones by a sum.
func KindOf(spec *query.Spec) string {
	switch {
	case spec.HasSeries:
		return "series"
	case spec.Top > 0:
		return "top"
	case spec.Sort.By == query.SortByMeasure:
		return "sorted"
	case spec.Limit > 0:
		return "page"
	}
	return "groups"
}
