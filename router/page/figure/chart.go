package figure

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"flowring/flow/query"
)

// Colours is the number of classes of colours for groups: c0 to c7. The class of other groups is "other".
const Colours = 8

// Colour returns the class of the colour of the group with a number.
func Colour(i int) string { return "c" + strconv.Itoa(i%Colours) }

// coordinate is a number of an SVG attribute, with one decimal.
type coordinate float64

// String returns the number without a useless decimal.
func (c coordinate) String() string {
	return strconv.FormatFloat(math.Round(float64(c)*10)/10, 'f', -1, 64)
}

// Bar is one row of a bar chart.
type Bar struct {
	Name   string
	Other  bool
	Groups int64 // of an other row
	Amount Amount
	Share  string
	Width  coordinate // of barWidth
	Link   string
}

const barWidth = 240

// BarsOf returns the bars of rows, relative to the largest one.
func BarsOf(rows []query.Row, field query.Field, link func(name string) string) []Bar {
	var total, largest query.Sum
	for i := range rows {
		sum := rows[i].Bytes()
		total = total.Plus(sum)
		if sum.Compare(largest) > 0 {
			largest = sum
		}
	}
	var bars []Bar
	for i := range rows {
		row := &rows[i]
		b := Bar{
			Name: row.Column(field), Other: row.Other, Groups: row.Groups, Amount: Amount{row.Bytes()},
			Share: Percent(Ratio(row.Bytes(), total)),
			Width: coordinate(barWidth * Ratio(row.Bytes(), largest)),
		}
		if !row.Other {
			b.Link = link(b.Name)
		}
		bars = append(bars, b)
	}
	return bars
}

// Sankey is a chart of two columns: bands lead from the sources to the destinations.
type Sankey struct {
	Width, Height coordinate
	Top           coordinate // of the view
	Left, Right   []sankeyEnd
	Bands         []sankeyBand
	Rows          []sankeyRow // the same numbers, for the table
}

type sankeyEnd struct {
	Name         string
	Other        bool
	Amount       Amount
	X, Y, Height coordinate
	TextX, TextY coordinate
	Anchor       string
	Named        bool // there is room for the name
	Class, Link  string
}

type sankeyBand struct {
	Path  string
	Class string
	Title string
}

type sankeyRow struct {
	Src, Dest string
	Other     bool
	Groups    int64
	Amount    Amount
	Share     string
}

// The measures of the sankey chart.
const (
	sankeyWidth  = 720
	sankeyHeight = 420 // of the nodes
	sankeyEdge   = 8   // above and below, for the names of the highest and lowest nodes
	sankeyNode   = 14  // width of a node
	sankeyMargin = 210 // for the names at both sides
	sankeyGap    = 6
	sankeyText   = 12 // least distance between names
	sankeyEnds   = 12 // names at a side; all others are one node
)

// SankeyOf returns the chart of rows grouped by source and destination.
func SankeyOf(rows []query.Row, link func(field query.Field, name string) string) Sankey {
	s := Sankey{Width: sankeyWidth, Height: sankeyHeight + 2*sankeyEdge, Top: -sankeyEdge}
	total := TotalOf(rows)
	for i := range rows {
		row := &rows[i]
		s.Rows = append(s.Rows, sankeyRow{
			row.Src, row.Dest, row.Other, row.Groups, Amount{row.Bytes()}, Percent(Ratio(row.Bytes(), total)),
		})
	}
	if total == (query.Sum{}) {
		return s
	}
	left, right := newSankeySide(rows, query.SrcApp), newSankeySide(rows, query.DestApp)
	left.place(total)
	right.place(total)
	s.Left, s.Right = left.ends(link), right.ends(link)
	s.Bands = bandsOf(rows, total, left, right)
	return s
}

// sankeySide is one column of the chart.
type sankeySide struct {
	field query.Field
	names []string             // largest first, then "" for all others if there are some
	sums  map[string]query.Sum // by name; "" is of all others
	y     map[string]float64
	high  map[string]float64
	at    map[string]float64 // end of the bands so far
}

func newSankeySide(rows []query.Row, field query.Field) *sankeySide {
	s := &sankeySide{field: field, sums: map[string]query.Sum{}, y: map[string]float64{}, high: map[string]float64{}, at: map[string]float64{}}
	all := map[string]query.Sum{}
	for i := range rows {
		if name := rows[i].Column(field); !rows[i].Other {
			all[name] = all[name].Plus(rows[i].Bytes())
		}
	}
	for name := range all {
		s.names = append(s.names, name)
	}
	slices.SortFunc(s.names, func(a, b string) int { return cmp.Or(all[b].Compare(all[a]), cmp.Compare(a, b)) })
	s.names = s.names[:min(len(s.names), sankeyEnds)]
	for i := range rows {
		name := s.nodeOf(&rows[i])
		s.sums[name] = s.sums[name].Plus(rows[i].Bytes())
	}
	if _, others := s.sums[""]; others {
		s.names = append(s.names, "")
	}
	return s
}

// nodeOf returns the name of a row's node at this side; "" for all others.
func (s *sankeySide) nodeOf(row *query.Row) string {
	if name := row.Column(s.field); !row.Other && slices.Contains(s.names, name) {
		return name
	}
	return ""
}

func (s *sankeySide) place(total query.Sum) {
	room := float64(sankeyHeight - sankeyGap*(len(s.names)-1))
	y := 0.0
	for _, name := range s.names {
		s.y[name], s.at[name], s.high[name] = y, y, room*Ratio(s.sums[name], total)
		y += s.high[name] + sankeyGap
	}
}

// ends returns the nodes of the side. Sources stand at the left and have colours.
func (s *sankeySide) ends(link func(query.Field, string) string) (ends []sankeyEnd) {
	x, textX, anchor := sankeyMargin, sankeyMargin-8, "end"
	if s.field == query.DestApp {
		x, textX, anchor = sankeyWidth-sankeyMargin-sankeyNode, sankeyWidth-sankeyMargin+8, "start"
	}
	lastText := math.Inf(-1)
	for i, name := range s.names {
		textY := s.y[name] + s.high[name]/2
		e := sankeyEnd{
			Name: name, Other: name == "", Amount: Amount{s.sums[name]}, X: coordinate(x), Y: coordinate(s.y[name]),
			Height: coordinate(max(1, s.high[name])), TextX: coordinate(textX), TextY: coordinate(textY),
			Anchor: anchor, Class: "other", Named: textY-lastText >= sankeyText,
		}
		if e.Named {
			lastText = textY
		}
		if !e.Other {
			e.Link, e.Class = link(s.field, name), "end"
			if s.field == query.SrcApp {
				e.Class = Colour(i)
			}
		}
		ends = append(ends, e)
	}
	return ends
}

// bandsOf returns one band for each pair of nodes, in the order of the nodes, so that bands do not cross at their ends.
func bandsOf(rows []query.Row, total query.Sum, left, right *sankeySide) (bands []sankeyBand) {
	type pair struct{ src, dest string }
	sums := map[pair]query.Sum{}
	for i := range rows {
		p := pair{left.nodeOf(&rows[i]), right.nodeOf(&rows[i])}
		sums[p] = sums[p].Plus(rows[i].Bytes())
	}
	for i, src := range left.names {
		for _, dest := range right.names {
			sum, exists := sums[pair{src, dest}]
			if !exists {
				continue
			}
			leftHigh, rightHigh := left.high[src]*Ratio(sum, left.sums[src]), right.high[dest]*Ratio(sum, right.sums[dest])
			class := "other"
			if src != "" {
				class = Colour(i)
			}
			bands = append(bands, sankeyBand{
				Path:  bandPath(left.at[src], leftHigh, right.at[dest], rightHigh),
				Class: class,
				Title: fmt.Sprintf("%s \u2192 %s: %s (%s)", nodeName(src), nodeName(dest), Amount{sum}, Percent(Ratio(sum, total))),
			})
			left.at[src] += leftHigh
			right.at[dest] += rightHigh
		}
	}
	return bands
}

func nodeName(name string) string {
	if name == "" {
		return "others"
	}
	return name
}

// bandPath returns the path of a band between its two ends, each with a height.
func bandPath(y1, high1, y2, high2 float64) string {
	const begin, end = sankeyMargin + sankeyNode, sankeyWidth - sankeyMargin - sankeyNode
	const middle = (begin + end) / 2
	c := func(v float64) coordinate { return coordinate(v) }
	return fmt.Sprintf("M%d %vC%d %v %d %v %d %vV%vC%d %v %d %v %d %vZ",
		begin, c(y1), middle, c(y1), middle, c(y2), end, c(y2), c(y2+high2),
		middle, c(y2+high2), middle, c(y1+high1), begin, c(y1+high1))
}

// Short returns the name for the chart. Its title has the whole name.
func (e sankeyEnd) Short() string {
	const most = 28
	runes := []rune(e.Name)
	if len(runes) <= most {
		return e.Name
	}
	return string(runes[:most-1]) + "\u2026"
}
