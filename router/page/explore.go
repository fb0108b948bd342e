package page

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"flowring/flow/query"
	"flowring/router/page/figure"
)

// explore is the page of queries for the template.
type explore struct {
	parameters url.Values
	Fields     []option
	Shows      []option
	RowLimit   string
	Kept       []option // parameters without an input

	Answered  bool
	Chart     *figure.TimeChart
	Columns   []string
	Rows      []tableRow
	Shares    bool
	First     string // pages
	Next      string
	CSV, JSON string
	Curl      string
}

// option is a choice of a form.
type option struct {
	Name, Text, Value string
	Checked           bool
}

// tableRow is a row of an answer.
type tableRow struct {
	Cells        []cell
	Other        bool
	Groups       string // the number of the other groups
	Tx, Rx, Both figure.Amount
	Share        string
}

// cell is a value of a grouped field.
type cell struct {
	Text   string
	Moment *figure.Moment
	Link   string
}

// Get returns the first value of a parameter.
func (e *explore) Get(name string) string { return e.parameters.Get(name) }

// The parameters of the form that GET /flows does not have.
const (
	groupParameter = "group" // one for each field
	showParameter  = "show"
	rowsParameter  = "rows"
)

// The values of the parameter show.
const (
	showBytes   = "bytes"
	showTx      = "bytes_tx"
	showRx      = "bytes_rx"
	showByKey   = "names"
	showSorted  = "sort=" // and the value of the parameter sort
	defaultRows = "20"
	chartGroups = figure.Colours - 1
)

// filterNames are the parameters of filters, which the form passes on as they are.
var filterNames = []string{
	"app", "app!", "src_app", "src_app!", "dest_app", "dest_app!", "vpc_id", "vpc_id!", "min_bytes",
}

// explore fills the page with the rows of a query, and with a time chart of the largest groups.
func (h *Handler) explore(ctx context.Context, p *content) error {
	fromAPI(p.parameters)
	e := newExplore(p.parameters)
	p.Explore = e
	asked := p.queryParameters()
	asking, spec, err := h.parse(asked)
	if err != nil {
		return err
	}
	rows, next, err := h.page(ctx, p, spec)
	if err != nil {
		return err
	}
	e.Answered = true
	e.addRows(p, spec, rows)
	if next != nil {
		e.Next = p.with("cursor", asking.Cursor(spec, *next))
	}
	if p.parameters.Has("cursor") {
		e.First = p.with()
	}
	e.addDownloads(p, asked)
	return h.addChart(ctx, p, spec, rows)
}

// fromAPI turns parameters of GET /flows into those of the form, so that a query may be pasted behind /explore.
func fromAPI(parameters url.Values) {
	if parameters.Has("group_by") {
		parameters[groupParameter] = append([]string{""}, strings.Split(parameters.Get("group_by"), ",")...)
	}
	switch {
	case parameters.Has("limit"), parameters.Has("sort"):
		parameters.Set(showParameter, showByKey)
		if sort := parameters.Get("sort"); sort != "" {
			parameters.Set(showParameter, showSorted+sort)
		}
		parameters.Set(rowsParameter, parameters.Get("limit"))
	case parameters.Has("top"):
		parameters.Set(showParameter, parameters.Get("by"))
		parameters.Set(rowsParameter, parameters.Get("top"))
	}
	for _, name := range []string{"group_by", "limit", "sort", "top", "by"} {
		parameters.Del(name)
	}
}

// newExplore returns the form, filled in from the parameters.
func newExplore(parameters url.Values) *explore {
	e := &explore{parameters: parameters, RowLimit: rowsOf(parameters)}
	groups := groupsOf(parameters)
	for f := query.Hour; f <= query.VPCID; f++ {
		e.Fields = append(e.Fields, option{Name: f.String(), Checked: slices.Contains(groups, f.String())})
	}
	e.Shows = []option{
		{Name: showBytes, Text: "The largest, by all bytes"}, {Name: showTx, Text: "The largest, by bytes sent"},
		{Name: showRx, Text: "The largest, by bytes received"}, {Name: showByKey, Text: "All, by time and names"},
	}
	e.addSorts(parameters.Get(showParameter))
	for name, values := range parameters {
		if strings.HasSuffix(name, "!") || name == "partial" || name == "tz" {
			for _, value := range values {
				e.Kept = append(e.Kept, option{Name: name, Value: value})
			}
		}
	}
	return e
}

// addSorts adds the sorts by a field, and the chosen sort if it is another one. It marks the chosen choice.
func (e *explore) addSorts(chosen string) {
	for f := query.SrcApp; f <= query.VPCID; f++ {
		e.Shows = append(e.Shows, option{Name: showSorted + f.String(), Text: "All, by " + f.String()})
	}
	e.Shows = append(e.Shows, option{Name: showSorted + "-hour", Text: "All, newest hour first"})
	known := func(o option) bool { return o.Name == chosen }
	if sort, sorted := strings.CutPrefix(chosen, showSorted); sorted && !slices.ContainsFunc(e.Shows, known) {
		e.Shows = append(e.Shows, option{Name: chosen, Text: "All, by " + sort})
	}
	for i := range e.Shows {
		e.Shows[i].Checked = known(e.Shows[i])
	}
}

// groupsOf returns the names of the grouped fields. A page without the parameter groups by the fields of a flow. The
// form sends an empty value too, because a form without a chosen field asks for the total.
func groupsOf(parameters url.Values) (names []string) {
	if parameters.Has(groupParameter) {
		return slices.DeleteFunc(slices.Clone(parameters[groupParameter]), func(name string) bool { return name == "" })
	}
	for f := range query.DefaultFields.All() {
		names = append(names, f.String())
	}
	return names
}

func rowsOf(parameters url.Values) string {
	if rows := parameters.Get(rowsParameter); rows != "" {
		return rows
	}
	return defaultRows
}

// rangeParameters returns the range of the page.
func (p *content) rangeParameters() url.Values {
	from, to := p.parameters.Get("from"), p.parameters.Get("to")
	only := url.Values{"from": {from}, "to": {to}}
	if from == "" {
		only.Set("from", defaultFrom)
	}
	if to == "" {
		only.Del("to")
	}
	return only
}

// queryParameters returns the parameters of GET /flows for the form. An empty input asks for nothing.
func (p *content) queryParameters() url.Values {
	asked := p.rangeParameters()
	for _, name := range filterNames {
		for _, value := range p.parameters[name] {
			if value != "" {
				asked.Add(name, value)
			}
		}
	}
	asked.Set("group_by", strings.Join(groupsOf(p.parameters), ","))
	show := p.parameters.Get(showParameter)
	if sort, sorted := strings.CutPrefix(show, showSorted); sorted {
		asked.Set("sort", sort)
		show = showByKey
	}
	switch show {
	case showByKey:
		asked.Set("limit", rowsOf(p.parameters))
	case showTx, showRx:
		asked.Set("by", show)
		fallthrough
	default:
		asked.Set("top", rowsOf(p.parameters))
	}
	for _, name := range []string{"partial", "cursor"} {
		if value := p.parameters.Get(name); value != "" {
			asked.Set(name, value)
		}
	}
	return asked
}

func (e *explore) addRows(p *content, spec *query.Spec, rows []query.Row) {
	for f := range spec.Group.All() {
		e.Columns = append(e.Columns, f.String())
	}
	e.Shares = spec.Top > 0
	e.Rows = p.rowsFor(spec.Group, rows)
}

// rowsFor returns the rows of an answer for the template.
func (p *content) rowsFor(fields query.Fields, rows []query.Row) (all []tableRow) {
	total := figure.TotalOf(rows)
	for i := range rows {
		row := &rows[i]
		all = append(all, tableRow{
			Cells: p.cellsOf(fields, row), Other: row.Other, Groups: figure.Others(row.Groups, "group"),
			Tx: figure.Amount{Sum: row.Tx}, Rx: figure.Amount{Sum: row.Rx},
			Both: figure.Amount{Sum: row.Bytes()}, Share: figure.Percent(figure.Ratio(row.Bytes(), total)),
		})
	}
	return all
}

// cellsOf returns the values of a row. A click on a name filters by it.
func (p *content) cellsOf(fields query.Fields, row *query.Row) (cells []cell) {
	for f := range fields.All() {
		switch f {
		case query.Hour, query.Day:
			time := figure.MomentOfKey(f, row.Time)
			cells = append(cells, cell{Moment: &time})
		default:
			name := row.Column(f)
			cells = append(cells, cell{Text: name, Link: p.with(f.String(), query.Quote(name))})
		}
	}
	return cells
}

// addDownloads adds the links for the whole answer, and the command with the same rows.
func (e *explore) addDownloads(p *content, asked url.Values) {
	link := func(format string) string {
		whole := url.Values{}
		for name, values := range asked {
			whole[name] = values
		}
		whole.Del("cursor")
		whole.Del("limit")
		whole.Set("format", format)
		return "/flows?" + whole.Encode()
	}
	e.CSV, e.JSON = link("csv"), link("json")
	e.Curl = p.curl("/flows?" + asked.Encode())
}

// addChart adds the time chart of the largest groups, if the rows are not by time and the range has several hours.
func (h *Handler) addChart(ctx context.Context, p *content, spec *query.Spec, rows []query.Row) error {
	if spec.Group.Has(query.Hour) || spec.Group.Has(query.Day) || spec.To-spec.From < 2 || len(rows) == 0 {
		return nil
	}
	series := seriesOf(spec)
	if spec.Top == 0 { // the rows are not the largest groups
		rows = nil
	}
	answers, err := h.series(ctx, p, &series, rows)
	if err != nil {
		return err
	}
	chart := figure.TimeChartOf(&series, answers)
	p.Explore.Chart = &chart
	return nil
}

// seriesOf returns the question of a time chart beside the rows of a query.
func seriesOf(spec *query.Spec) query.Spec {
	series := *spec
	series.Sort, series.Limit, series.After = query.Sort{}, 0, nil
	series.Top = chartGroups
	if spec.Top > 0 {
		series.Top = min(spec.Top, chartGroups)
	}
	series.HasSeries, series.Series = true, figure.BucketOf(spec.From, spec.To)
	return series
}

// series reads the rows of a time chart. The largest groups are known, or nil. A series with a sum for each group and
// each time would cost as many sums as the cluster has flows, so the chart has queries of its own: the largest groups,
// the sums of these by time, and the sums of all groups by time, from which those of the others follow.
func (h *Handler) series(
	ctx context.Context, p *content, series *query.Spec, top []query.Row,
) (all []query.Row, err error) {
	if series.MinBytes > 0 { // the groups with fewer bytes are not among the others
		return h.rows(ctx, p, series)
	}
	if top == nil {
		largest := *series
		largest.HasSeries, largest.Series = false, 0
		if top, err = h.rows(ctx, p, &largest); err != nil {
			return nil, err
		}
	}
	s := figure.Series{Top: top[:min(len(top), series.Top)]}
	byTime := query.Spec{From: series.From, To: series.To, Filters: series.Filters, Group: query.FieldsOf(series.Series)}
	if len(s.Top) < len(top) || slices.ContainsFunc(s.Top, func(r query.Row) bool { return r.Other }) {
		if s.Totals, err = h.rows(ctx, p, &byTime); err != nil {
			return nil, err
		}
	}
	byTime.Group |= series.Group
	for field, filter := range map[query.Field]*query.Filter{
		query.SrcApp: &byTime.Filters.Src, query.DestApp: &byTime.Filters.Dest, query.VPCID: &byTime.Filters.VPC,
	} {
		if series.Group.Has(field) {
			filter.Include = namesOf(s.Top, field).Include
		}
	}
	if s.Sums, err = h.rows(ctx, p, &byTime); err != nil {
		return nil, err
	}
	return s.Rows(), nil
}

// live is the page of the current flows for the template.
type live struct {
	Rows   []tableRow
	Stream string // the link of the events
}

// liveRows is the number of rows of the live page.
const liveRows = 25

// live fills the page with one query.
func (h *Handler) live(ctx context.Context, p *content) error {
	asked := url.Values{"from": {"now"}, "top": {strconv.Itoa(liveRows)}}
	for _, name := range filterNames {
		if values := p.parameters[name]; len(values) > 0 && values[0] != "" {
			asked[name] = values
		}
	}
	_, spec, err := h.parse(asked)
	if err != nil {
		return err
	}
	rows, err := h.rows(ctx, p, spec)
	if err != nil {
		return err
	}
	asked.Set("numbers", "string")
	p.Live = &live{Rows: p.rowsFor(spec.Group, rows), Stream: "/flows/stream?" + asked.Encode()}
	p.Refresh = true
	return nil
}
