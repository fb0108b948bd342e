package ask

import (
	"net/url"
	"strconv"
	"strings"

	"flowring/flow/query"
	"flowring/internal/contract"
	"flowring/router/parameter"
)

// fields are the names of the fields, in the order of a key.
func fields() (names []string) {
	for f := query.Hour; f <= query.VPCID; f++ {
		names = append(names, f.String())
	}
	return names
}

// measures are the names of the sums.
func measures() (names []string) {
	for m := query.Bytes; m <= query.BytesRx; m++ {
		names = append(names, m.String())
	}
	return names
}

func (q *Query) parseGroup(values url.Values) error {
	q.Spec.Group = query.DefaultFields
	text, given, err := parameter.Once(values, "group_by")
	if err != nil || !given {
		return err
	}
	q.Spec.Group = 0
	for _, name := range list(text) {
		f, err := query.ParseField(name)
		if err != nil {
			return contract.Query.Errorf("group_by has %s, the nearest known field is %s; the fields are %s",
				parameter.Quoted(name), parameter.Nearest(name, fields()), strings.Join(fields(), ", "))
		}
		if q.Spec.Group.Has(f) {
			return contract.Query.Errorf("group_by has %s twice; name it once", name)
		}
		q.Spec.Group |= query.FieldsOf(f)
	}
	if q.Spec.Group.Has(query.Hour) && q.Spec.Group.Has(query.Day) {
		return contract.Query.Errorf("group_by has hour and day; leave one out")
	}
	return nil
}

func (q *Query) addGroup(values url.Values) {
	if q.Spec.Group == query.DefaultFields {
		return
	}
	var names []string
	for f := range q.Spec.Group.All() {
		names = append(names, f.String())
	}
	values.Set("group_by", strings.Join(names, ","))
}

// parseTop reads top, by and series. MaxSortedRows limits top, because its groups are held in memory.
func (q *Query) parseTop(values url.Values) error {
	top, err := parameter.Integer(values, "top", 0, 1, query.MaxSortedRows)
	if err != nil {
		return err
	}
	q.Spec.Top = int(top)
	by, given, err := parameter.Choice(values, "by", measures())
	switch {
	case err != nil:
		return err
	case given && top == 0:
		return contract.Query.Errorf("by needs top, as in top=10&by=bytes_tx")
	case given:
		q.Spec.By = measureNamed(by)
	}
	series, given, err := parameter.Choice(values, "series", fields()[:2])
	switch {
	case err != nil:
		return err
	case given && top == 0:
		return contract.Query.Errorf("series needs top, as in top=10&series=hour")
	case given && (q.Spec.Group.Has(query.Hour) || q.Spec.Group.Has(query.Day)):
		return contract.Query.Errorf("series excludes hour and day in group_by; leave them out of group_by")
	case given:
		q.Spec.HasSeries = true
		q.Spec.Series, err = query.ParseField(series)
	}
	return err
}

func measureNamed(name string) query.Measure {
	for m := query.Bytes; m <= query.BytesRx; m++ {
		if m.String() == name {
			return m
		}
	}
	return query.Bytes
}

func (q *Query) addTop(values url.Values) {
	if q.Spec.Top == 0 {
		return
	}
	values.Set("top", strconv.Itoa(q.Spec.Top))
	if q.Spec.By != query.Bytes {
		values.Set("by", q.Spec.By.String())
	}
	if q.Spec.HasSeries {
		values.Set("series", q.Spec.Series.String())
	}
}
