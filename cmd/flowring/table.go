package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// table is text in columns. The first row is the headline.
type table struct {
	right []bool // columns aligned to the right: numbers
	rows  [][]string
}

// add appends a row. Texts come from the network: what is not printable is escaped, so that no name can steer the terminal.
func (t *table) add(cells ...string) {
	for i, cell := range cells {
		if quoted := strconv.Quote(cell); quoted[1:len(quoted)-1] != cell {
			cells[i] = quoted
		}
	}
	t.rows = append(t.rows, cells)
}

// write prints the table, each column as wide as its widest text, in characters.
func (t *table) write(w io.Writer) error {
	widths := make([]int, len(t.right))
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range t.rows {
		var line strings.Builder
		for i, cell := range row {
			width := widths[i]
			if !t.right[i] {
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

// terminal reports whether a reader or writer is one: a person sits there. /dev/null is none.
func terminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
