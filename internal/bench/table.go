package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"flowring/internal/bench/server"
)

// bar is the largest cost of a kind: limit times the cost of another kind, or limit itself without another kind.
type bar struct {
	kind, against server.Kind
	limit         float64
}

// result is the result of a measurement: the samples of each kind, in the order of the kinds.
type result struct {
	measure
	samples [][]sample
}

// row is one kind in one measurement.
type row struct {
	Measure string  `json:"measure"`
	Unit    string  `json:"unit"`
	Server  string  `json:"server"`
	Median  sample  `json:"median"` // of each figure by itself
	Low     float64 `json:"low"`    // cost
	High    float64 `json:"high"`
	Plain   float64 `json:"times_plain"`
	Bar     string  `json:"bar,omitzero"`
	Times   float64 `json:"times_bar,omitzero"` // cost in ratio to the bar; above 1 the bar does not hold
}

// median returns the middle number; of an even count, the mean of the middle two.
func median(numbers []float64) float64 {
	sorted := slices.Sorted(slices.Values(numbers))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// column returns one figure of each run.
func column(samples []sample, number func(sample) float64) []float64 {
	var all []float64
	for _, s := range samples {
		all = append(all, number(s))
	}
	return all
}

func costOf(s sample) float64 { return s.Cost }

// cost returns the median cost of a kind, 0 if it was not measured.
func (r result) cost(k server.Kind) float64 {
	i := slices.Index(r.kinds, k)
	if i < 0 {
		return 0
	}
	return median(column(r.samples[i], costOf))
}

// rows returns the rows of a result.
func (r result) rows() []row {
	var all []row
	for i, k := range r.kinds {
		costs := column(r.samples[i], costOf)
		rw := row{
			Measure: r.name, Unit: r.unit, Server: k.Name, Low: slices.Min(costs), High: slices.Max(costs),
			Median: sample{
				Cost:   r.cost(k),
				Allocs: median(column(r.samples[i], func(s sample) float64 { return s.Allocs })),
				P50:    median(column(r.samples[i], func(s sample) float64 { return s.P50 })),
				P99:    median(column(r.samples[i], func(s sample) float64 { return s.P99 })),
			},
		}
		if plain := r.cost(plainGo); plain > 0 {
			rw.Plain = rw.Median.Cost / plain
		}
		for _, b := range r.bars {
			if b.kind == k {
				rw.Bar, rw.Times = r.judge(b)
			}
		}
		all = append(all, rw)
	}
	return all
}

// judge returns a bar as text, and the cost in ratio to it.
func (r result) judge(b bar) (text string, times float64) {
	if b.against == (server.Kind{}) {
		return number(b.limit), r.cost(b.kind) / b.limit
	}
	return number(b.limit) + " x " + b.against.Name, r.cost(b.kind) / r.cost(b.against) / b.limit
}

// uneven returns the CPU time of the busiest node of each kind with several nodes, as a result of its own.
func (r result) uneven() result {
	u := result{measure: measure{name: r.name + ": the busiest node"}}
	u.unit = "its CPU time in ratio to the mean of all nodes"
	for i, k := range r.kinds {
		if k.Nodes < 2 {
			continue
		}
		var samples []sample
		for _, s := range r.samples[i] {
			samples = append(samples, sample{Cost: s.Uneven})
		}
		u.kinds, u.samples = append(u.kinds, k), append(u.samples, samples)
		if k.Slices > 1 {
			u.bars = append(u.bars, bar{k, server.Kind{}, r.even})
		}
	}
	return u
}

// holds tells whether a row is within its bar.
func (r row) holds() string {
	switch {
	case r.Bar == "":
		return ""
	case r.Times <= 1:
		return "yes"
	}
	return fmt.Sprintf("NO, %s times the bar", number(r.Times))
}

// writeTable writes the rows as tables, one for each measurement.
func writeTable(w io.Writer, rows []row) error {
	tabs := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	measure := ""
	for _, r := range rows {
		if r.Measure != measure {
			measure = r.Measure
			const head = "\n%s: %s\n\tMEDIAN\tLOW-HIGH\tx PLAIN GO\tBAR\tHOLDS\tALLOCS\tP50 MS\tP99 MS\n"
			fmt.Fprintf(tabs, head, r.Measure, r.Unit)
		}
		fmt.Fprintf(tabs, "%s\t%s\t%s-%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Server, number(r.Median.Cost), number(r.Low),
			number(r.High), number(r.Plain), r.Bar, r.holds(), number(r.Median.Allocs), number(r.Median.P50),
			number(r.Median.P99))
	}
	return tabs.Flush()
}

// number returns a number with three significant digits, and more if it is large; empty for 0, which stands for a
// missing figure.
func number(f float64) string {
	switch {
	case f == 0:
		return ""
	case f >= 100:
		return strconv.FormatFloat(f, 'f', 0, 64)
	case f >= 10:
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return strconv.FormatFloat(f, 'f', 2, 64)
}

// writeJSON writes the rows as one array.
func writeJSON(w io.Writer, rows []row) error {
	return json.MarshalWrite(w, rows, jsontext.WithIndent("  "))
}

// check fails if a cost is above factor times its bar.
func check(rows []row, factor float64) error {
	var lost []string
	for _, r := range rows {
		if r.Times > factor {
			text := fmt.Sprintf("%s: %s: %s times the bar of %s", r.Measure, r.Server, number(r.Times), r.Bar)
			lost = append(lost, text)
		}
	}
	if len(lost) > 0 {
		return fmt.Errorf("over %s times the bar: %q", number(factor), lost)
	}
	return nil
}
