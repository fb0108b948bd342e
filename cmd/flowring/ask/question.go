package ask

import (
	"net/url"
	"strconv"

	"github.com/spf13/pflag"

	"flowring/cmd/flowring/settings"
	"flowring/internal/contract"
)

// Question is the flags of a query.
type Question struct {
	flags  *pflag.FlagSet
	values map[string]func() []string // by parameter; nil for a flag that is not given
}

// flag is a flag and its parameter.
type flag struct{ name, parameter, usage string }

// Lists returns the flags that may be repeated, each with the parameter of its names.
func Lists() map[string]string {
	return map[string]string{
		"src-app": "src_app", "dest-app": "dest_app", "vpc-id": "vpc_id", "app": "app",
		"not-src-app": "src_app!", "not-dest-app": "dest_app!", "not-vpc-id": "vpc_id!", "not-app": "app!",
	}
}

// AddRange adds the flags of a range of hours.
func (q *Question) AddRange(f *pflag.FlagSet) {
	q.flags = f
	for _, t := range []flag{
		{"from", "from", "first `hour`: a number, a time such as 2026-11-30T09:00:00Z, or now, -24h, -7d"},
		{"to", "to", "`hour` behind the last one (default: the hour after the current one)"},
	} {
		q.addText(t)
	}
}

// AddFlags adds the flags of a query.
func (q *Question) AddFlags(f *pflag.FlagSet) {
	q.AddGroups(f)
	q.addNumber(flag{"top", "top", "the `number` largest groups, and one row for all others"})
	q.addText(flag{"series", "series", "with --top, the largest groups for each `unit` of time: hour, day"})
	q.addText(flag{"sort", "sort", "order of the rows: a `field` of --group-by or a sum; -bytes is the largest first, " +
		"and needs --limit"})
	q.addNumber(flag{"limit", "limit",
		"`number` of rows, or of rows of a page with --all (default: all; in a table 1000)"})
	q.addNumber(flag{"min-bytes", "min_bytes", "only groups of at least this `number` of bytes in both directions"})
}

// AddGroups adds the flags that choose hours, flows and groups.
func (q *Question) AddGroups(f *pflag.FlagSet) {
	q.AddRange(f)
	for _, l := range []flag{
		{"src-app", "src_app", "only flows from this `application`; * stands for any text; may be repeated"},
		{"dest-app", "dest_app", "only flows to this `application`"},
		{"vpc-id", "vpc_id", "only flows of this `VPC`"},
		{"app", "app", "only flows with this `application` at either end"},
		{"not-src-app", "src_app!", "no flows from this `application`"},
		{"not-dest-app", "dest_app!", "no flows to this `application`"},
		{"not-vpc-id", "vpc_id!", "no flows of this `VPC`"},
		{"not-app", "app!", "no flows with this `application` at either end"},
	} {
		q.addList(l)
	}
	q.addText(flag{"group-by", "group_by",
		"one row for each value of these `fields`: hour, day, src_app, dest_app, vpc_id " +
			"with commas between them; empty for the total (default src_app,dest_app,vpc_id)"})
	q.addText(flag{"by", "by",
		"the `sum` that decides which groups are the largest: bytes, bytes_tx, bytes_rx (default bytes)"})
}

func (q *Question) addText(t flag) {
	text := q.flags.String(t.name, "", t.usage)
	q.add(t, func() []string { return []string{*text} })
}

func (q *Question) addList(l flag) {
	list := q.flags.StringArray(l.name, nil, l.usage)
	q.add(l, func() []string { return *list })
}

func (q *Question) addNumber(n flag) {
	number := new(int64)
	settings.QuantityVar(q.flags, number, n.name, n.usage)
	q.flags.Lookup(n.name).DefValue = "" // a flag that is not given is no parameter, and not 0
	q.add(n, func() []string { return []string{strconv.FormatInt(*number, 10)} })
}

// add makes the flag a parameter if it is given.
func (q *Question) add(f flag, values func() []string) {
	if q.values == nil {
		q.values = map[string]func() []string{}
	}
	q.values[f.parameter] = func() []string {
		if !q.flags.Changed(f.name) {
			return nil
		}
		return values()
	}
}

// Values returns the parameters of the flags that are given.
func (q *Question) Values() url.Values {
	all := url.Values{}
	for parameter, values := range q.values {
		for _, value := range values() {
			all.Add(parameter, value)
		}
	}
	return all
}

// AddNeed adds the parameter of a need, other than the default.
func AddNeed(values url.Values, need contract.Need) {
	switch need {
	case contract.NeedComplete:
		values.Set("require", "complete")
	case contract.NeedPartial:
		values.Set("partial", "true")
	}
}
