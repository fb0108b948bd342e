package figure

import (
	"slices"
	"strings"

	"flowring/flow"
	"flowring/flow/query"
)

// TimeChart shows the bytes of groups over time, as stacked bars.
type TimeChart struct {
	Width, Height coordinate
	Bars          []timeBar
	Groups        []timeGroup // for the legend and the table
	Ticks         []timeTick
	Greatest      Amount // the height of the chart
	Each          string // the time of a bar
	Times         []Moment
}

type timeBar struct {
	X, Y, Width, Height coordinate
	Class, Title        string // the title begins with the time
	Time                string // for the machine
}

type timeGroup struct {
	Name, Class string
	Other       bool
	Amounts     []Amount // by time
}

type timeTick struct {
	X    coordinate
	Text Moment
}

const (
	timeWidth  = 720
	timeHeight = 220
	timeTicks  = 6 // at most
)

// Series has the rows of several queries for a time chart.
type Series struct {
	Top    []query.Row // the largest groups
	Sums   []query.Row // by time: of the groups of Top, and of groups between the same names
	Totals []query.Row // by time: of all groups; nil: Top has all groups
}

// Rows returns the sums of each group of Top by time, and then those of all others. A record may arrive between the
// queries; a sum that would be negative is zero.
func (s *Series) Rows() (all []query.Row) {
	byGroup, others := map[query.Key][]query.Row{}, map[int64]query.Row{}
	for i := range s.Sums {
		row := s.Sums[i]
		group := row.Key
		group.Time = 0
		byGroup[group] = append(byGroup[group], row)
	}
	for i := range s.Totals {
		total := s.Totals[i]
		total.Other = true
		others[total.Time] = total
	}
	for i := range s.Top {
		if s.Top[i].Other {
			continue
		}
		for _, row := range byGroup[s.Top[i].Key] {
			all = append(all, row)
			rest := others[row.Time]
			rest.Tx, rest.Rx = rest.Tx.Minus(row.Tx), rest.Rx.Minus(row.Rx)
			others[row.Time] = rest
		}
	}
	for i := range s.Totals {
		if rest := others[s.Totals[i].Time]; rest.Bytes() != (query.Sum{}) {
			all = append(all, rest)
		}
	}
	return all
}

// TimeChartOf returns the chart of a series. The groups of the chart are in the order of their first rows.
func TimeChartOf(spec *query.Spec, rows []query.Row) TimeChart {
	first, last := spec.Time(spec.From), spec.Time(spec.To-1)
	count := int(last - first + 1)
	c := TimeChart{Width: timeWidth, Height: timeHeight, Each: "an " + query.Hour.String()}
	if spec.Series == query.Day {
		c.Each = "a " + query.Day.String()
	}
	type group struct {
		name  string
		other bool
	}
	groups := map[group]int{}
	sums := make([]query.Sum, count)
	for i := range rows {
		row := &rows[i]
		name := groupName(spec.Group, row)
		at, known := groups[group{name, row.Other}]
		if !known {
			at = len(c.Groups)
			groups[group{name, row.Other}] = at
			c.Groups = append(c.Groups, timeGroup{Name: name, Other: row.Other, Class: "other", Amounts: make([]Amount, count)})
		}
		time := row.Time - first
		c.Groups[at].Amounts[time] = Amount{row.Bytes()}
		sums[time] = sums[time].Plus(row.Bytes())
	}
	slices.SortStableFunc(c.Groups, func(a, b timeGroup) int { return orderOfGroups(a) - orderOfGroups(b) })
	for i := range c.Groups {
		if !c.Groups[i].Other {
			c.Groups[i].Class = Colour(i)
		}
	}
	for i, sum := range sums {
		c.Times = append(c.Times, MomentOfKey(spec.Series, first+int64(i)))
		if sum.Compare(c.Greatest.Sum) > 0 {
			c.Greatest.Sum = sum
		}
	}
	c.draw(count)
	return c
}

// orderOfGroups puts the others last, on top of the bars.
func orderOfGroups(g timeGroup) int {
	if g.Other {
		return 1
	}
	return 0
}

// draw places the bars and the ticks.
func (c *TimeChart) draw(count int) {
	step := float64(timeWidth) / float64(count)
	for i, time := range c.Times {
		y := float64(timeHeight)
		for _, g := range c.Groups {
			high := timeHeight * Ratio(g.Amounts[i].Sum, c.Greatest.Sum)
			if high == 0 {
				continue
			}
			y -= high
			c.Bars = append(c.Bars, timeBar{
				coordinate(step * float64(i)), coordinate(y), coordinate(max(0.5, step*0.9)), coordinate(max(0.5, high)), g.Class,
				time.Text + ", " + g.Name + ": " + g.Amounts[i].String(), time.Machine,
			})
		}
		if every := (count + timeTicks - 1) / timeTicks; i%every == 0 {
			c.Ticks = append(c.Ticks, timeTick{coordinate(step * float64(i)), time})
		}
	}
}

// groupName returns the names of a group on one line.
func groupName(fields query.Fields, row *query.Row) string {
	if row.Other {
		return "others"
	}
	var names []string
	for f := range fields.All() {
		switch f {
		case query.Hour, query.Day:
			names = append(names, MomentOfKey(f, row.Time).Text)
		default:
			names = append(names, row.Column(f))
		}
	}
	if len(names) == 0 {
		return "all flows"
	}
	return strings.Join(names, " \u2192 ")
}

// BucketOf returns the field of time for a chart of a range: hours, or days where hours are too narrow.
func BucketOf(from, to flow.Hour) query.Field {
	const mostHours = 8 * query.HoursOfDay
	if to-from > mostHours {
		return query.Day
	}
	return query.Hour
}
