package page

import (
	"context"
	"fmt"
	"strconv"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/internal/contract"
	"flowring/router/page/figure"
	"flowring/router/rows"
)

// overview is the first page for the template.
type overview struct {
	rangeChoice
	Empty      bool
	Latest     *figure.Moment // the latest hour with flows, if the range has none
	LatestLink string
	Example    string // a command that stores a record

	Total, Tx, Rx figure.Amount
	Change        string // against the hours before
	Heat          *figure.Heat
	Hours         []hourRow
	Talkers       []figure.Bar
	Receivers     []figure.Bar
	Sankey        figure.Sankey
}

// The rows of the charts of the overview.
const (
	overviewBars = 10
	heatDays     = 14
)

// overview fills the page with four queries at most: the totals of hours, which serve the strip, the sums and the
// change; the top sources; the top destinations; and the pairs of these. A query for the top pairs of all applications
// would have a group for each pair, and costs four times as much as the page.
func (h *Handler) overview(ctx context.Context, p *content) error {
	choice, err := h.choose(p)
	if err != nil {
		return err
	}
	o := &overview{rangeChoice: choice}
	from := min(choice.Chosen.Before().From, choice.strip().From)
	end := h.measure(ctx, p, rows.KindHours)
	answer, err := h.Cluster.Hours(ctx, from, choice.Chosen.To, p.ask())
	end(len(answer.Totals))
	if err != nil {
		return fmt.Errorf("hours: %w", err)
	}
	totals := answer.Totals
	p.Overview = o
	o.addTotals(p, totals)
	o.addHours(p, totals)
	if o.Empty {
		o.Example = p.exampleOf(flow.Hour(h.Now().Unix() / 3600))
		return nil
	}
	return h.talk(ctx, p, o)
}

// talk fills the charts of the top talkers, the top receivers and their pairs.
func (h *Handler) talk(ctx context.Context, p *content, o *overview) (err error) {
	var t figure.Talk
	of := func(spec query.Spec) ([]query.Row, error) {
		spec.From, spec.To = o.Chosen.From, o.Chosen.To
		return h.rows(ctx, p, &spec)
	}
	if t.Talkers, err = of(query.Spec{Group: query.FieldsOf(query.SrcApp), Top: overviewBars}); err != nil {
		return err
	}
	if t.Receivers, err = of(query.Spec{Group: query.FieldsOf(query.DestApp), Top: overviewBars}); err != nil {
		return err
	}
	pairs := query.Spec{Group: query.FieldsOf(query.SrcApp, query.DestApp)}
	pairs.Filters.Src, pairs.Filters.Dest = namesOf(t.Talkers, query.SrcApp), namesOf(t.Receivers, query.DestApp)
	if t.Pairs, err = of(pairs); err != nil {
		return err
	}
	link := func(field query.Field) func(string) string {
		return func(name string) string { return p.filterLink(field, name) }
	}
	o.Talkers = figure.BarsOf(t.Talkers, query.SrcApp, link(query.SrcApp))
	o.Receivers = figure.BarsOf(t.Receivers, query.DestApp, link(query.DestApp))
	o.Sankey = figure.SankeyOf(t, p.filterLink)
	return nil
}

// namesOf returns the filter that accepts the names of rows alone.
func namesOf(rows []query.Row, field query.Field) (f query.Filter) {
	for i := range rows {
		if !rows[i].Other {
			f.Include = append(f.Include, query.ParsePattern(query.Quote(rows[i].Column(field))))
		}
	}
	return f
}

// rows reads the rows of a query.
func (h *Handler) rows(ctx context.Context, p *content, spec *query.Spec) ([]query.Row, error) {
	rows, _, err := h.page(ctx, p, spec)
	return rows, err
}

// mostRows is the greatest number of rows on a page. A limit or a top above it is refused.
const mostRows = 10_000

// page reads the rows of a query, and the key behind which the next page begins; nil: there is none.
func (h *Handler) page(
	ctx context.Context, p *content, spec *query.Spec,
) (all []query.Row, next *query.Key, err error) {
	if max(spec.Top, spec.Limit) > mostRows {
		return nil, nil, contract.Query.Errorf("the page shows at most %d rows; download the others", mostRows)
	}
	end := h.measure(ctx, p, rows.KindOf(spec))
	defer func() { end(len(all)) }()
	answer, err := h.Cluster.Query(ctx, spec, p.ask())
	if err != nil {
		return nil, nil, err
	}
	defer answer.Close()
	for row, err := range answer.All() {
		if err != nil {
			return nil, nil, err
		}
		all = append(all, row)
	}
	if after, more := answer.Next(); more {
		next = &after
	}
	p.note(answer.Complete())
	return all, next, nil
}

// filterLink returns the link to the explore page with a filter of one name.
func (p *content) filterLink(field query.Field, name string) string {
	return linkWith("/explore", p.parameters, field.String(), query.Quote(name))
}

// addTotals adds up the chosen hours and the hours before.
func (o *overview) addTotals(p *content, totals []contract.HourTotals) {
	before := o.Chosen.Before()
	var earlier query.Sum
	o.Empty = true
	for _, t := range totals {
		switch {
		case t.Hour >= o.Chosen.From && t.Hour < o.Chosen.To:
			o.Empty = false
			o.Tx.Sum, o.Rx.Sum = o.Tx.Plus(t.Tx), o.Rx.Plus(t.Rx)
			p.note(t.Complete)
		case t.Hour >= before.From && t.Hour < before.To:
			earlier = earlier.Plus(t.Tx).Plus(t.Rx)
		}
	}
	o.Total.Sum = o.Tx.Plus(o.Rx.Sum)
	o.Change = figure.Change(earlier, o.Total.Sum)
	if o.Empty && len(totals) > 0 {
		last := totals[len(totals)-1].Hour
		latest := figure.MomentOf(last)
		o.Latest, o.LatestLink = &latest, p.rangeLink(figure.Hours{From: last, To: last + 1})
	}
}

// hourRow is a row of the table of hours.
type hourRow struct {
	Hour     figure.Moment
	Tx, Rx   figure.Amount
	Complete string
	Link     string
}

// addHours fills the strip of the last days, and the table of the chosen hours.
func (o *overview) addHours(p *content, totals []contract.HourTotals) {
	heat := figure.HeatOf(totals, o.strip(), o.Chosen, p.rangeLink)
	o.Heat = &heat
	for _, t := range totals {
		if t.Hour >= o.Chosen.From && t.Hour < o.Chosen.To {
			o.Hours = append(o.Hours, hourRow{
				Hour: figure.MomentOf(t.Hour), Tx: figure.Amount{Sum: t.Tx}, Rx: figure.Amount{Sum: t.Rx},
				Complete: t.Complete.String(), Link: p.rangeLink(figure.Hours{From: t.Hour, To: t.Hour + 1}),
			})
		}
	}
}

// strip returns the hours of the strip: the last days before the end of the range.
func (c *rangeChoice) strip() figure.Hours {
	return figure.Hours{From: figure.Earlier(c.Chosen.To, heatDays*query.HoursOfDay), To: c.Chosen.To}
}

// rangeLink returns the link to this page with another range.
func (p *content) rangeLink(h figure.Hours) string {
	return p.with("from", h.From.String(), "to", h.To.String())
}

// exampleOf returns a command that stores a record of an hour.
func (p *content) exampleOf(h flow.Hour) string {
	return p.curl("/flows") + ` -d '[{"src_app":"checkout","dest_app":"payments","vpc_id":"vpc-eu",` +
		`"bytes_tx":1200,"bytes_rx":4800,"hour":` + strconv.FormatInt(int64(h), 10) + `}]'`
}

// rangeChoice is the range of a page and the ranges that it offers.
type rangeChoice struct {
	Chosen figure.Hours
	Local  bool
	Ranges []navItem
}

// defaultFrom is the range of a page without one.
const defaultFrom = "-23h"

// choose returns the range of the parameters. The default is the current hour and the 23 hours before.
func (h *Handler) choose(p *content) (rangeChoice, error) {
	only := p.rangeParameters()
	_, spec, err := h.parse(only)
	if err != nil {
		return rangeChoice{}, err
	}
	choice := rangeChoice{Chosen: figure.Hours{From: spec.From, To: spec.To}, Local: p.Local}
	for _, r := range []struct{ name, from string }{
		{"This hour", "now"}, {"24 hours", defaultFrom}, {"7 days", "-167h"}, {"30 days", "-719h"},
	} {
		current := only.Get("from") == r.from && !p.parameters.Has("to")
		choice.Ranges = append(choice.Ranges, navItem{r.name, p.with("from", r.from, "to", ""), current})
	}
	return choice, nil
}
