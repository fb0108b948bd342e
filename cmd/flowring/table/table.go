package table

import (
	"bufio"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"flowring/cmd/flowring/output"
	"flowring/flow/query"
)

// Style is the form of a table.
type Style struct {
	Width  int  // columns of the terminal; 0: no limit
	Colour bool // mark the headings, the bars and the other groups
	Exact  bool // sums with all of their digits
}

// Row is a row with its sums.
type Row struct {
	Names  []string // one for each heading
	Tx, Rx query.Sum
	Others bool     // the row stands for all further groups
	More   []string // one for each heading behind the sums
}

// Table is rows with headings.
type Table struct {
	Headings []string // of the names
	More     []string // of the columns behind the sums
	Measure  query.Measure
	Rows     []Row
	Footer   bool // print the number of rows and the sums of all rows
}

// The widths of columns.
const (
	gap       = 2
	longBar   = 20
	leastBar  = 5
	leastName = 8
)

// The sequences of colours.
const (
	bold  = "\x1b[1m"
	dim   = "\x1b[2m"
	cyan  = "\x1b[36m"
	reset = "\x1b[0m"
)

// Write prints the table.
func (t *Table) Write(w io.Writer, s Style) error {
	out := bufio.NewWriter(w)
	for _, line := range t.Lines(s) {
		_, _ = out.WriteString(line) // Flush returns the error
		_ = out.WriteByte('\n')
	}
	return out.Flush()
}

// Lines returns the lines of the table.
func (t *Table) Lines(s Style) []string {
	scale := t.scale()
	g := t.grid(s, scale)
	widths := g.widths(s.Width)
	lines := make([]string, 0, len(g.rows)+1)
	for i, cells := range g.rows {
		isFooter := i > 0 && i == g.footer
		line := g.line(cells, widths, isFooter)
		if i > 0 && i <= len(t.Rows) {
			line = withBar(line, bar(scale.height(&t.Rows[i-1]), widths[len(widths)-1]), s.Colour)
		}
		if isFooter {
			lines = append(lines, "")
		}
		lines = append(lines, t.marked(strings.TrimRight(line, " "), i, s.Colour))
	}
	return lines
}

// marked returns a line in the colour of its row: the headings, a row, or the footer.
func (t *Table) marked(line string, i int, colour bool) string {
	switch {
	case !colour:
		return line
	case i == 0 || i > len(t.Rows):
		return bold + line + reset
	case t.Rows[i-1].Others:
		return dim + line + reset
	}
	return line
}

// withBar appends a bar to a line that has a gap at its end.
func withBar(line, bar string, colour bool) string {
	if colour && bar != "" {
		bar = cyan + bar + reset
	}
	return line + bar
}

// grid is the cells of a table.
type grid struct {
	names  int // columns with names, which are shortened if need be
	right  []bool
	rows   [][]string // the headings, the rows, the footer
	footer int        // the row of the footer, whose text takes the columns of all names; 0: none
}

// grid returns the cells without the bars.
func (t *Table) grid(s Style, scale scale) *grid {
	g := &grid{names: len(t.Headings)}
	number := Human
	if s.Exact {
		number = query.Sum.String
	}
	g.right = append(make([]bool, len(t.Headings)), true, true, true)
	g.right = append(g.right, slices.Repeat([]bool{true}, len(t.More))...)
	headings := append(append([]string{}, t.Headings...), "BYTES TX", "BYTES RX", "SHARE")
	g.rows = append(g.rows, append(headings, t.More...))
	for i := range t.Rows {
		r := &t.Rows[i]
		cells := make([]string, 0, len(headings)+len(t.More))
		for _, name := range r.Names {
			cells = append(cells, output.Escaped(name))
		}
		cells = append(cells, number(r.Tx), number(r.Rx), percent(scale.share(r)))
		g.rows = append(g.rows, append(cells, r.More...))
	}
	if t.Footer {
		tx, rx := t.sums()
		g.footer = len(g.rows)
		g.rows = append(g.rows, t.footer(number(tx), number(rx)))
	}
	return g
}

// footer returns the cells of the last line. Its text is in the first column of names, or behind the sums.
func (t *Table) footer(tx, rx string) []string {
	others := 0
	for i := range t.Rows {
		if t.Rows[i].Others {
			others++
		}
	}
	text := output.Many(len(t.Rows)-others, "row")
	if others > 0 {
		text += " and others"
	}
	cells := make([]string, len(t.Headings), len(t.Headings)+3+len(t.More))
	if len(cells) > 0 {
		cells[0] = text
	}
	cells = append(cells, tx, rx, "")
	return append(cells, make([]string, len(t.More))...)
}

// sums returns the sums of all rows.
func (t *Table) sums() (tx, rx query.Sum) {
	for i := range t.Rows {
		tx, rx = tx.Plus(t.Rows[i].Tx), rx.Plus(t.Rows[i].Rx)
	}
	return tx, rx
}

// widths returns the width of each column, and of the bar behind the last one, in a terminal of most columns.
func (g *grid) widths(most int) []int {
	widths := make([]int, len(g.right)+1)
	total := 0
	for i := range g.right {
		for n, row := range g.rows {
			if n == 0 || n != g.footer || i >= g.names || g.names == 1 {
				widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
			}
		}
		total += widths[i] + gap
	}
	bars := len(g.right)
	if most <= 0 || total+longBar <= most {
		widths[bars] = longBar
		return widths
	}
	shrunk := slices.Clone(widths)
	if shrunk[bars] = max(leastBar, most-total); g.shrink(shrunk, total+shrunk[bars]-most) {
		return shrunk
	}
	g.shrink(widths, total-gap-most)
	return widths
}

// shrink takes an excess off the widest columns of names. It reports whether they are wide enough for it.
func (g *grid) shrink(widths []int, excess int) bool {
	for ; excess > 0; excess-- {
		longest := g.longest(widths)
		if longest < 0 || widths[longest] <= leastName {
			return false
		}
		widths[longest]--
	}
	return true
}

// longest returns the widest column of names, or -1 without one.
func (g *grid) longest(widths []int) int {
	longest := -1
	for i := range g.names {
		if longest < 0 || widths[i] > widths[longest] {
			longest = i
		}
	}
	return longest
}

// line returns the cells of a row with a gap behind each. spread joins the columns of the names to one.
func (g *grid) line(cells []string, widths []int, spread bool) string {
	var b strings.Builder
	if spread && g.names > 1 {
		width := gap * (g.names - 1)
		for _, w := range widths[:g.names] {
			width += w
		}
		joined := grid{right: append([]bool{false}, g.right[g.names:]...)}
		return joined.line(append(cells[:1:1], cells[g.names:]...), append([]int{width}, widths[g.names:]...), false)
	}
	for i, cell := range cells {
		cell = shortened(cell, widths[i])
		space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		if g.right[i] {
			b.WriteString(space + cell)
		} else {
			b.WriteString(cell + space)
		}
		b.WriteString(strings.Repeat(" ", gap))
	}
	return b.String()
}

// shortened returns a text of at most width characters, with an ellipsis for its end.
func shortened(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:max(0, width-1)]) + "…"
}
