package traffic

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// ratios returns the cost of a node in ratio to plain Go and to HTTP read only.
func (c Costs) ratios() (plain, read float64) {
	return float64(c.Node) / float64(c.PlainGo), float64(c.Node) / float64(c.ReadOnly)
}

// summary is the worst and the median ratio of a group.
type summary struct{ worst, median float64 }

// summarize returns the summaries of the ratios to plain Go and to HTTP read only.
func (r Result) summarize() (plain, read summary) {
	var plains, reads []float64
	for _, c := range r.Costs {
		p, rd := c.ratios()
		plains, reads = append(plains, p), append(reads, rd)
	}
	return summaryOf(plains), summaryOf(reads)
}

func summaryOf(ratios []float64) summary {
	slices.Sort(ratios)
	n := len(ratios)
	return summary{ratios[n-1], (ratios[(n-1)/2] + ratios[n/2]) / 2}
}

// Write writes a table for each group, and one of all groups, if there are any.
func Write(w io.Writer, results []Result) error {
	if len(results) == 0 {
		return nil
	}
	tabs := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range results {
		fmt.Fprintf(tabs, "\n%s: CPU µs of a post\n\tREAD ONLY\tPLAIN GO\tFLOWRING\tx PLAIN GO\tx READ ONLY\n", title(r))
		for _, c := range r.Costs {
			plain, read := c.ratios()
			fmt.Fprintf(tabs, "%s\t%s\t%s\t%s\t%s\t%s\n", c.Cell.Name, number(float64(c.ReadOnly)/1e3),
				number(float64(c.PlainGo)/1e3), number(float64(c.Node)/1e3), number(plain), number(read))
		}
		if len(r.LeftOut) > 0 {
			fmt.Fprintf(tabs, "left out: %s\n", strings.Join(r.LeftOut, "; "))
		}
	}
	fmt.Fprint(tabs, "\nTraffic: flowring R=1 in ratio to the yardsticks\n",
		"\tWORST x PLAIN GO\tBAR\tMEDIAN\tBAR\tWORST x READ ONLY\tMEDIAN\tHOLDS\n")
	for _, r := range results {
		plain, read := r.summarize()
		fmt.Fprintf(tabs, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Group.Name, number(plain.worst), number(r.Group.Bars.Worst),
			number(plain.median), number(r.Group.Bars.Median), number(read.worst), number(read.median), holds(r.excess()))
	}
	return tabs.Flush()
}

func title(r Result) string { return "Traffic, " + r.Group.Name }

// excess returns the larger one of a group's ratios to its bars.
func (r Result) excess() float64 {
	plain, _ := r.summarize()
	excess := plain.worst / r.Group.Bars.Worst
	if r.Group.Bars.Median > 0 {
		excess = max(excess, plain.median/r.Group.Bars.Median)
	}
	return excess
}

func holds(excess float64) string {
	if excess <= 1 {
		return "yes"
	}
	return fmt.Sprintf("NO, %s times the bar", number(excess))
}

// Check fails if a ratio or a figure is above factor times its bar.
func Check(results []Result, figures []Figure, factor float64) error {
	var lost []string
	for _, r := range results {
		if r.excess() > factor {
			lost = append(lost, fmt.Sprintf("%s: %s times the bar", title(r), number(r.excess())))
		}
	}
	for _, f := range figures {
		if f.Bar > 0 && f.Value > factor*f.Bar {
			lost = append(lost, fmt.Sprintf("%s: %s %s, the bar is %s", f.Name, number(f.Value), f.Unit, number(f.Bar)))
		}
	}
	if len(lost) > 0 {
		return fmt.Errorf("over %s times the bar: %q", number(factor), lost)
	}
	return nil
}

// number returns a number with about three significant digits; empty for 0.
func number(f float64) string {
	digits := 2
	switch {
	case f == 0:
		return ""
	case f >= 100:
		digits = 0
	case f >= 10:
		digits = 1
	}
	return strconv.FormatFloat(f, 'f', digits, 64)
}
