package output

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// Table is text in columns. The first row is the header.
type Table struct {
	Right []bool // for each column: align it to the right, as numbers are
	rows  [][]string
}

// Add appends a row. It escapes characters that are not printable, so that no name from the network can steer the
// terminal.
func (t *Table) Add(cells ...string) {
	for i, cell := range cells {
		if quoted := strconv.Quote(cell); quoted[1:len(quoted)-1] != cell {
			cells[i] = quoted
		}
	}
	t.rows = append(t.rows, cells)
}

// Write prints the table. Each column is as wide as its widest text.
func (t *Table) Write(w io.Writer) error {
	widths := make([]int, len(t.Right))
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range t.rows {
		var line strings.Builder
		for i, cell := range row {
			width := widths[i]
			if !t.Right[i] {
				width = -width
			}
			fmt.Fprintf(&line, "%*s  ", width, cell)
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(line.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

// Width returns the number of columns of a terminal; 0 for another output, and for a terminal of unknown size.
func Width(stream any) int {
	if !Terminal(stream) {
		return 0
	}
	width, _, err := term.GetSize(int(stream.(*os.File).Fd()))
	if err != nil {
		return 0
	}
	return width
}

// Colour reports whether an output shows colours: a terminal does, unless its user says otherwise (no-color.org).
func Colour(stream any) bool {
	return Terminal(stream) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// Terminal reports whether a reader or writer is a terminal. /dev/null is none.
func Terminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
