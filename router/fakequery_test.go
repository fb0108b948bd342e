package router

import (
	"context"
	"crypto/sha256"
	"fmt"
	"iter"
	"slices"
	"strings"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/flow/query/naive"
	"flowring/internal/contract"
)

// records returns the records of all hours.
func (f *fake) records() (all []flow.Record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for hour, flows := range f.hours {
		for key, totals := range flows {
			all = append(all, flow.Record{Key: key, Totals: totals, Hour: hour})
		}
	}
	return all
}

func (f *fake) Query(ctx context.Context, spec *query.Spec, ask contract.Ask) (contract.Rows, error) {
	if f.onQuery != nil {
		return f.onQuery(ctx, spec, ask)
	}
	rows, more := naive.Rows(spec, f.records())
	return &fakeRows{rows: rows, more: more, complete: contract.Complete, tag: tagOfRows(spec, rows)}, nil
}

func tagOfRows(spec *query.Spec, rows []query.Row) contract.Tag {
	return contract.Tag(fmt.Sprintf("%x", sha256.Sum256(fmt.Append(spec.Encode(), rows)))[:22])
}

func (f *fake) Hours(ctx context.Context, from, to flow.Hour, ask contract.Ask) (contract.Hours, error) {
	if f.onHours != nil {
		return f.onHours(ctx, from, to, ask)
	}
	spec := &query.Spec{From: from, To: to, Group: query.FieldsOf(query.Hour)}
	rows, _ := naive.Rows(spec, f.records())
	answer := contract.Hours{Complete: contract.Complete, Tag: tagOfRows(spec, rows)}
	for _, row := range rows {
		hour := flow.Hour(row.Time)
		answer.Totals = append(answer.Totals, contract.HourTotals{
			Hour: hour, Tx: row.Tx, Rx: row.Rx, Flows: int64(len(f.hours[hour])), Complete: contract.Complete,
		})
	}
	if ask.Knows(answer.Tag) {
		answer.Totals = nil
	}
	return answer, nil
}

func (f *fake) Names(ctx context.Context, ask contract.NamesAsk) (contract.Names, error) {
	if f.onNames != nil {
		return f.onNames(ctx, ask)
	}
	names := contract.Names{Complete: contract.Complete}
	for _, r := range f.records() {
		if r.Hour < ask.From || r.Hour >= ask.To {
			continue
		}
		key := query.Key{Src: r.SrcApp, Dest: r.DestApp, VPC: r.VPCID}
		found := []string{key.Column(ask.Field)}
		if ask.Either {
			found = []string{r.SrcApp, r.DestApp}
		}
		for _, name := range found {
			if strings.HasPrefix(name, ask.Prefix) {
				names.Names = append(names.Names, name)
			}
		}
	}
	slices.Sort(names.Names)
	names.Names = slices.Compact(names.Names)
	if len(names.Names) > ask.Limit {
		names.Names, names.More = names.Names[:ask.Limit], true
	}
	return names, nil
}

// fakeRows yields its rows, then fails with err.
type fakeRows struct {
	rows     []query.Row
	more     bool
	complete contract.Completeness
	from     *flow.Hour
	erased   int64
	tag      contract.Tag
	err      error
	closed   bool
}

func (r *fakeRows) Complete() contract.Completeness { return r.complete }
func (r *fakeRows) Tag() contract.Tag               { return r.tag }
func (r *fakeRows) Close() error                    { r.closed = true; return nil }

func (r *fakeRows) All() iter.Seq2[query.Row, error] {
	return func(yield func(query.Row, error) bool) {
		for _, row := range r.rows {
			if !yield(row, nil) {
				return
			}
		}
		if r.err != nil {
			yield(query.Row{}, r.err)
		}
	}
}

func (r *fakeRows) From() *flow.Hour { return r.from }
func (r *fakeRows) Erased() int64    { return r.erased }

func (r *fakeRows) Next() (query.Key, bool) {
	if !r.more || len(r.rows) == 0 {
		return query.Key{}, false
	}
	return r.rows[len(r.rows)-1].Key, true
}

// slowRows yields its rows, and waits until the reader has some of them.
type slowRows struct {
	fakeRows
	sent chan struct{}
}

func (s *slowRows) All() iter.Seq2[query.Row, error] {
	return func(yield func(query.Row, error) bool) {
		for row, err := range s.fakeRows.All() {
			if !yield(row, err) {
				return
			}
		}
		<-s.sent
	}
}
