package figure

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"flowring/flow/query"
)

// Sankey is a chart of two columns: bands lead from the sources to the destinations.
type Sankey struct {
	Width, Height coordinate
	Top           coordinate // of the view
	Left, Right   []sankeyEnd
	Bands         []sankeyBand
	Rows          []sankeyRow // the same numbers, for the table
}

type sankeyEnd struct {
	Name         string // "": all others
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
	Src, Dest string // "": all others
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
	leastBand    = 0.5
)

// Talk has the rows of a sankey chart. The pairs are those of a talker and a receiver; the sums of all other pairs
// follow from the three.
type Talk struct {
	Talkers   []query.Row // the top sources, and the row of all others
	Receivers []query.Row // the top destinations, and the row of all others
	Pairs     []query.Row // grouped by source and destination
}

// link is a band: from a source to a destination, "" for all others.
type link struct{ src, dest string }

// links returns the sum of each band. The rows are of several queries, so a record may arrive between them; a sum that
// would be negative is zero.
func (t *Talk) links() map[link]query.Sum {
	all, bySrc, byDest := map[link]query.Sum{}, map[string]query.Sum{}, map[string]query.Sum{}
	rest := TotalOf(t.Talkers)
	add := func(l link, sum query.Sum) {
		if sum != (query.Sum{}) {
			all[l] = sum
			rest = rest.Minus(sum)
		}
	}
	for i := range t.Pairs {
		row := &t.Pairs[i]
		add(link{row.Src, row.Dest}, row.Bytes())
		bySrc[row.Src], byDest[row.Dest] = bySrc[row.Src].Plus(row.Bytes()), byDest[row.Dest].Plus(row.Bytes())
	}
	for i := range t.Talkers {
		if row := &t.Talkers[i]; !row.Other {
			add(link{src: row.Src}, row.Bytes().Minus(bySrc[row.Src]))
		}
	}
	for i := range t.Receivers {
		if row := &t.Receivers[i]; !row.Other {
			add(link{dest: row.Dest}, row.Bytes().Minus(byDest[row.Dest]))
		}
	}
	add(link{}, rest)
	return all
}

// SankeyOf returns the chart of who talks to whom.
func SankeyOf(t Talk, linkOf func(field query.Field, name string) string) Sankey {
	s := Sankey{Width: sankeyWidth, Height: sankeyHeight + 2*sankeyEdge, Top: -sankeyEdge}
	links := t.links()
	var total query.Sum
	for _, sum := range links {
		total = total.Plus(sum)
	}
	if total == (query.Sum{}) {
		return s
	}
	for l, sum := range links {
		s.Rows = append(s.Rows, sankeyRow{l.src, l.dest, Amount{sum}, Percent(Ratio(sum, total))})
	}
	slices.SortFunc(s.Rows, func(a, b sankeyRow) int {
		return cmp.Or(b.Amount.Compare(a.Amount.Sum), cmp.Compare(a.Src, b.Src), cmp.Compare(a.Dest, b.Dest))
	})
	left := newSankeySide(query.SrcApp, t.Talkers, links)
	right := newSankeySide(query.DestApp, t.Receivers, links)
	left.place(total)
	right.place(total)
	s.Left, s.Right = left.ends(linkOf), right.ends(linkOf)
	s.Bands = bandsOf(links, total, left, right)
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

// newSankeySide returns a side with the names of rows that have bytes.
func newSankeySide(field query.Field, rows []query.Row, links map[link]query.Sum) *sankeySide {
	s := &sankeySide{field: field, sums: map[string]query.Sum{}, y: map[string]float64{}, high: map[string]float64{},
		at: map[string]float64{}}
	for l, sum := range links {
		name := l.src
		if field == query.DestApp {
			name = l.dest
		}
		s.sums[name] = s.sums[name].Plus(sum)
	}
	for i := range rows {
		if name := rows[i].Column(field); !rows[i].Other && s.sums[name] != (query.Sum{}) {
			s.names = append(s.names, name)
		}
	}
	if _, others := s.sums[""]; others {
		s.names = append(s.names, "")
	}
	return s
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
func (s *sankeySide) ends(linkOf func(query.Field, string) string) (ends []sankeyEnd) {
	x, textX, anchor := sankeyMargin, sankeyMargin-8, "end"
	if s.field == query.DestApp {
		x, textX, anchor = sankeyWidth-sankeyMargin-sankeyNode, sankeyWidth-sankeyMargin+8, "start"
	}
	lastText := math.Inf(-1)
	for i, name := range s.names {
		textY := s.y[name] + s.high[name]/2
		e := sankeyEnd{
			Name: name, Amount: Amount{s.sums[name]}, X: coordinate(x), Y: coordinate(s.y[name]),
			Height: coordinate(max(1, s.high[name])), TextX: coordinate(textX), TextY: coordinate(textY),
			Anchor: anchor, Class: "other", Named: textY-lastText >= sankeyText,
		}
		if e.Named {
			lastText = textY
		}
		if !e.Other() {
			e.Link, e.Class = linkOf(s.field, name), "end"
			if s.field == query.SrcApp {
				e.Class = Colour(i)
			}
		}
		ends = append(ends, e)
	}
	return ends
}

// bandsOf returns the bands in the order of the nodes, so that bands do not cross at their ends.
func bandsOf(links map[link]query.Sum, total query.Sum, left, right *sankeySide) (bands []sankeyBand) {
	for i, src := range left.names {
		for _, dest := range right.names {
			sum, exists := links[link{src, dest}]
			if !exists {
				continue
			}
			leftHigh, rightHigh := left.high[src]*Ratio(sum, left.sums[src]), right.high[dest]*Ratio(sum, right.sums[dest])
			class := "other"
			if src != "" {
				class = Colour(i)
			}
			bands = append(bands, sankeyBand{
				Path:  bandPath(left.at[src], max(leastBand, leftHigh), right.at[dest], max(leastBand, rightHigh)),
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

// Other reports whether the node stands for all others.
func (e sankeyEnd) Other() bool { return e.Name == "" }

// Short returns the name for the chart. Its title has the whole name.
func (e sankeyEnd) Short() string {
	const most = 28
	runes := []rune(e.Name)
	if len(runes) <= most {
		return e.Name
	}
	return string(runes[:most-1]) + "\u2026"
}
