package figure

import (
	"fmt"
	"strconv"
	"strings"

	"flowring/flow/query"
)

// Amount is a sum of bytes on a page.
type Amount struct{ query.Sum }

// Exact returns all digits, in groups of three.
func (a Amount) Exact() string { return grouped(a.Sum.String()) }

// String returns the sum with three digits and a decimal unit.
func (a Amount) String() string {
	digits := a.Sum.String()
	if len(digits) <= 3 {
		return digits + " B"
	}
	units := []string{"B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB", "RB", "QB"}
	unit := min((len(digits)-1)/3, len(units)-1)
	whole := digits[:len(digits)-3*unit]
	if decimals := 3 - len(whole); decimals > 0 {
		return whole + "." + digits[len(whole):len(whole)+decimals] + " " + units[unit]
	}
	return whole + " " + units[unit]
}

// grouped puts a narrow no-break space between groups of three digits.
func grouped(digits string) string {
	var b strings.Builder
	for i, digit := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteRune('\u202f')
		}
		b.WriteRune(digit)
	}
	return b.String()
}

// Many returns a number with its noun.
func Many[N int | int64 | uint64](n N, thing string) string {
	switch {
	case n == 1:
		return "1 " + thing
	case strings.HasSuffix(thing, "ch"):
		thing += "e"
	}
	return grouped(fmt.Sprint(n)) + " " + thing + "s"
}

// Others names a number of other things, such as groups.
func Others(n int64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return grouped(strconv.FormatInt(n, 10)) + " other " + thing
}

// TotalOf returns the bytes of all rows together.
func TotalOf(rows []query.Row) (total query.Sum) {
	for i := range rows {
		total = total.Plus(rows[i].Bytes())
	}
	return total
}

// Ratio returns part / whole, or 0 if the whole is 0.
func Ratio(part, whole query.Sum) float64 {
	if whole == (query.Sum{}) {
		return 0
	}
	return part.Float() / whole.Float()
}

// Percent returns a share for reading. A part is not 0 %, and less than the whole is not 100 %.
func Percent(share float64) string {
	switch {
	case share > 0 && share < 0.001:
		return "<0.1 %"
	case share > 0.999 && share < 1:
		return ">99.9 %"
	case share < 0.1, share >= 0.995 && share < 1:
		return fmt.Sprintf("%.1f %%", 100*share)
	}
	return fmt.Sprintf("%.0f %%", 100*share)
}

// Change returns the change from a sum to a later one for reading.
func Change(before, now query.Sum) string {
	switch {
	case before == now:
		return "no change"
	case before == (query.Sum{}):
		return "new"
	}
	factor := Ratio(now, before)
	switch {
	case factor >= 10:
		return fmt.Sprintf("%.0f times as much", factor)
	case factor >= 1:
		return fmt.Sprintf("+%.1f %%", 100*(factor-1))
	}
	return fmt.Sprintf("\u2212%.1f %%", 100*(1-factor))
}
