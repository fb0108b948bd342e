package ask

import (
	"net/url"
	"slices"
	"strings"

	"flowring/flow/query"
	"flowring/internal/contract"
	"flowring/router/parameter"
)

// descending stands before the name of a sort to reverse it.
const descending = "-"

// parseSort reads sort. It refuses the parameters that top excludes, and the cursor of an order without pages.
func (q *Query) parseSort(values url.Values) error {
	text, given, err := parameter.Once(values, "sort")
	if err != nil {
		return err
	}
	if given {
		if err := q.sortBy(text); err != nil {
			return err
		}
	}
	for _, name := range []string{"sort", "limit", "cursor"} {
		if q.Spec.Top > 0 && values.Has(name) {
			return contract.Query.Errorf("top excludes %s; leave %s out, or top", name, name)
		}
	}
	if q.Spec.Sort.By == query.SortByMeasure {
		return checkSortedBySum(values, text)
	}
	return nil
}

// checkSortedBySum refuses a sort by a sum without a limit, because its rows are held in memory, and pages of it.
func checkSortedBySum(values url.Values, text string) error {
	if values.Has("cursor") {
		return contract.Query.Errorf("sort=%s has no pages; leave the cursor out, or sort by a field", text)
	}
	if !values.Has("limit") {
		return contract.Query.Errorf("sort=%s needs a limit of at most %d, as in sort=%s&limit=10", text, query.MaxSortedRows,
			text)
	}
	_, err := parameter.Integer(values, "limit", 0, 1, query.MaxSortedRows)
	return err
}

func (q *Query) sortBy(text string) error {
	name, reversed := strings.CutPrefix(text, descending)
	q.Spec.Sort.Descending = reversed
	if slices.Contains(measures(), name) {
		q.Spec.Sort.By, q.Spec.Sort.Measure = query.SortByMeasure, measureNamed(name)
		return nil
	}
	field, err := query.ParseField(name)
	if err != nil {
		known := append(fields(), measures()...)
		return contract.Query.Errorf("sort is %s, the nearest known value is %s; the values are %s, each also with a - "+
			"before it", parameter.Quoted(text), parameter.Nearest(name, known), strings.Join(known, ", "))
	}
	if !q.Spec.Group.Has(field) {
		return contract.Query.Errorf("sort is %s, which is not in group_by; add it to group_by, or leave sort out", name)
	}
	q.Spec.Sort.By, q.Spec.Sort.Field = query.SortByField, field
	return nil
}

func (q *Query) addSort(values url.Values) {
	name := ""
	switch q.Spec.Sort.By {
	case query.SortByKey:
		return
	case query.SortByField:
		name = q.Spec.Sort.Field.String()
	case query.SortByMeasure:
		name = q.Spec.Sort.Measure.String()
	}
	if q.Spec.Sort.Descending {
		name = descending + name
	}
	values.Set("sort", name)
}
