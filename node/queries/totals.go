package queries

import (
	"context"
	"slices"
	"strings"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/internal/contract"
)

// Hours returns the sums of the hours of a range that a store holds. It fails like Query.
func (q *Queries) Hours(ctx context.Context, from, to flow.Hour, ask contract.Ask) (contract.Hours, error) {
	e, err := q.evaluate(ctx, &query.Spec{From: from, To: to, Group: query.FieldsOf(query.Hour)}, ask)
	if err != nil {
		return contract.Hours{}, err
	}
	defer e.Close()
	answer := contract.Hours{Complete: e.least, From: e.from, Erased: e.erased.Latest(), Tag: e.tag}
	if ask.Knows(e.tag) {
		return answer, nil
	}
	byHour := map[flow.Hour]*contract.HourTotals{}
	for slice, result := range e.slices {
		hour := byHour[slice.Hour]
		if hour == nil {
			hour = &contract.HourTotals{Hour: slice.Hour, Complete: e.leastOf(slice.Hour), Flows: -1}
			byHour[slice.Hour] = hour
		}
		if q.Slices == 1 {
			hour.Flows = result.flows
		}
	}
	for row, err := range e.rows().All() {
		if err != nil {
			return contract.Hours{}, err
		}
		if hour := byHour[flow.Hour(row.Time)]; hour != nil {
			hour.Tx, hour.Rx = row.Tx, row.Rx
		}
	}
	for _, hour := range byHour {
		answer.Totals = append(answer.Totals, *hour)
	}
	slices.SortFunc(answer.Totals, func(a, b contract.HourTotals) int { return compare(a.Hour < b.Hour) })
	return answer, nil
}

// leastOf returns the completeness of an hour: that of its least complete slice.
func (e *evaluation) leastOf(hour flow.Hour) contract.Completeness {
	least := contract.Complete
	for index := range e.q.Slices {
		slice := flow.Slice{Hour: hour, Index: uint32(index)}
		if result := e.slices[slice]; result != nil {
			least = min(least, result.completeness)
		} else {
			least = min(least, e.survey.judge(slice).completeness)
		}
	}
	return least
}

// Names returns the first names of a range that begin with a prefix. It fails with a refusal beyond a limit.
func (q *Queries) Names(ctx context.Context, ask contract.NamesAsk) (contract.Names, error) {
	fields := []query.Field{ask.Field}
	if ask.Either {
		fields = []query.Field{query.SrcApp, query.DestApp}
	}
	all := contract.Names{Complete: contract.Complete}
	for _, field := range fields {
		if err := q.addNames(ctx, &all, field, ask); err != nil {
			return contract.Names{}, err
		}
	}
	slices.Sort(all.Names)
	all.Names = slices.Compact(all.Names)
	if len(all.Names) > ask.Limit {
		all.Names, all.More = all.Names[:ask.Limit], true
	}
	return all, nil
}

// addNames adds the first names in one field.
func (q *Queries) addNames(ctx context.Context, all *contract.Names, field query.Field, ask contract.NamesAsk) error {
	spec := &query.Spec{From: ask.From, To: ask.To, Group: query.FieldsOf(field), Limit: ask.Limit}
	filter := map[query.Field]*query.Filter{
		query.SrcApp: &spec.Filters.Src, query.DestApp: &spec.Filters.Dest, query.VPCID: &spec.Filters.VPC,
	}[field]
	if filter == nil {
		return contract.Query.Errorf("%s has no names", field)
	}
	if ask.Prefix != "" {
		escaped := strings.NewReplacer(`\`, `\\`, `*`, `\*`).Replace(ask.Prefix)
		filter.Include = []query.Pattern{query.ParsePattern(escaped + "*")}
	}
	answer, err := q.Query(ctx, spec, contract.Ask{Need: contract.NeedPartial})
	if err != nil {
		return err
	}
	defer answer.Close()
	all.Complete, all.From = min(all.Complete, answer.Complete()), answer.From()
	all.Erased = max(all.Erased, answer.Erased())
	for row, err := range answer.All() {
		if err != nil {
			return err
		}
		all.Names = append(all.Names, row.Column(field))
	}
	_, more := answer.Next()
	all.More = all.More || more
	return nil
}
