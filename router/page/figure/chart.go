package figure

import (
	"math"
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
	Name   string // of other rows: their number
	Other  bool
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
			Name: row.Column(field), Other: row.Other, Amount: Amount{row.Bytes()},
			Share: Percent(Ratio(row.Bytes(), total)),
			Width: coordinate(barWidth * Ratio(row.Bytes(), largest)),
		}
		if row.Other {
			b.Name = Others(row.Groups, "application")
		} else {
			b.Link = link(b.Name)
		}
		bars = append(bars, b)
	}
	return bars
}
