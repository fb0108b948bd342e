package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// figure is one kind of measured value.
type figure int

const (
	postNew figure = iota
	postAgain
	memoryBytes
	getCPU
	getTime
	startCPU
	startTime
	firstCPU
	firstTime
	repairCPU
	repairTime
	diskBytes
	sealedBytes
)

// figures are the measured values of a point.
type figures map[figure]float64

// described has the name and the unit of each figure, and the numbers of a point with which the figure may grow in
// proportion. The figure should not grow with the other numbers.
var described = [...]struct {
	name, unit string
	linear     varied
}{
	postNew:     {"POST, new flows", "CPU µs per record", copies},
	postAgain:   {"POST, known flows", "CPU µs per record", copies},
	memoryBytes: {"memory, GOGC=10", "resident bytes per flow and copy", cuts},
	getCPU:      {"GET of an hour", "CPU ms", flows | cuts},
	getTime:     {"GET of an hour", "ms", flows | cuts},
	startCPU:    {"start after kill -9, all nodes", "CPU ms", flows | hours | nodes | copies | cuts},
	startTime:   {"start after kill -9, all nodes", "s", flows | hours | nodes | copies | cuts},
	firstCPU:    {"first GET of an hour after it", "CPU ms", flows | cuts},
	firstTime:   {"first GET of an hour after it", "ms", flows | cuts},
	repairCPU:   {"repair of a node without its disk", "CPU s", flows | hours},
	repairTime:  {"repair of a node without its disk", "s", flows | hours},
	diskBytes:   {"disk, tables", "bytes per record and copy", 0},
	sealedBytes: {"disk, tables, hours sealed", "bytes per flow and copy", 0},
}

func (f figure) name() string { return described[f].name }
func (f figure) unit() string { return described[f].unit }

// writeGrowth writes a dimension as a table with a row for each figure. Each value has its ratio to the value before.
func writeGrowth(w io.Writer, d dimension, known map[point]figures) error {
	tabs := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tabs, "\n%s\n\t\tEXPECTED", d.title)
	for i, n := range d.values {
		fmt.Fprintf(tabs, "\t%d", n)
		if i > 0 {
			fmt.Fprint(tabs, "\t")
		}
	}
	fmt.Fprint(tabs, "\tMORE THAN EXPECTED\n")
	for f := range figure(len(described)) {
		fmt.Fprintf(tabs, "%s\t%s\t%s", f.name(), f.unit(), f.expected(d))
		var over []string
		before := 0.0
		for i, n := range d.values {
			now := known[d.at(n)][f]
			fmt.Fprintf(tabs, "\t%s", number(now))
			if i > 0 {
				fmt.Fprintf(tabs, "\t%s", times(before, now))
				if now > before*f.most(d, i) && before > 0 {
					over = append(over, fmt.Sprintf("%s to %d", times(before, now), n))
				}
			}
			before = now
		}
		fmt.Fprintf(tabs, "\t%s\n", strings.Join(over, ", "))
	}
	return tabs.Flush()
}

// times returns a ratio as text; empty if a value is missing.
func times(before, now float64) string {
	if before == 0 || now == 0 {
		return ""
	}
	return "x" + number(now/before)
}

// expected returns the expected growth of a figure.
func (f figure) expected(d dimension) string {
	if described[f].linear&d.varied != 0 {
		return "linear"
	}
	return "flat"
}

// most returns the largest growth of a figure to value i of a dimension: the expected growth, and half of it for
// chance.
func (f figure) most(d dimension, i int) float64 {
	const chance = 1.5
	if described[f].linear&d.varied != 0 {
		return chance * float64(d.values[i]) / float64(d.values[i-1])
	}
	return chance
}
