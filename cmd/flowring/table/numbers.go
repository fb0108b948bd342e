package table

import (
	"fmt"
	"strings"

	"flowring/flow/query"
)

// units are the units of bytes, each a thousand times the one before. The last one takes larger sums too.
var units = [...]string{"B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"}

// Human returns a sum with three digits and a unit, such as "1.25 GB".
func Human(sum query.Sum) string {
	v, unit := sum.Float(), 0
	for v >= 999.5 && unit+1 < len(units) {
		v /= 1000
		unit++
	}
	digits := 0
	switch {
	case unit == 0 || v >= 99.95:
	case v >= 9.995:
		digits = 1
	default:
		digits = 2
	}
	return fmt.Sprintf("%.*f %s", digits, v, units[unit])
}

// percent returns a fraction, such as "12.3 %".
func percent(fraction float64) string { return fmt.Sprintf("%.1f %%", 100*fraction) }

// scale has the measures to which the rows are compared.
type scale struct {
	by           query.Measure
	all, largest float64 // of all rows; of the largest group
}

func (t *Table) scale() scale {
	s := scale{by: t.Measure}
	for i := range t.Rows {
		v := s.measure(&t.Rows[i])
		if s.all += v; !t.Rows[i].Others {
			s.largest = max(s.largest, v)
		}
	}
	return s
}

func (s scale) measure(r *Row) float64 { return s.by.Of(&query.Row{Tx: r.Tx, Rx: r.Rx}).Float() }

// share returns the part of a row in all rows.
func (s scale) share(r *Row) float64 { return s.measure(r) / max(1, s.all) }

// height returns a row as a part of the largest group. All others together have no bar, because theirs could make the
// bars of the groups too short to compare.
func (s scale) height(r *Row) float64 {
	if r.Others {
		return 0
	}
	return s.measure(r) / max(1, s.largest)
}

// bar returns a bar of a fraction of width, in eighths of a character. A fraction over zero has an eighth at least.
func bar(fraction float64, width int) string {
	eighths := int(fraction*float64(8*width) + .5)
	if fraction > 0 && width > 0 {
		eighths = max(1, eighths)
	}
	if rest := eighths % 8; rest > 0 {
		return strings.Repeat("█", eighths/8) + string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return strings.Repeat("█", eighths/8)
}
