package ask

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"flowring/cmd/flowring/output"
	"flowring/cmd/flowring/records"
)

// copied prints the bytes of the node. It joins several pages to one array, or to one table with one header.
type copied struct {
	w        io.Writer
	format   string
	terminal bool // no name may steer it

	pages    int
	elements int // of the array so far
}

func (c *copied) page(r io.Reader, alone bool) error {
	c.pages++
	switch {
	case c.format == output.FormatCSV:
		return c.csv(r)
	case c.format == output.FormatJSON && !alone:
		return c.array(r)
	}
	return output.JSON(c.w, r, c.terminal)
}

// csv copies a page, without the header of the pages behind the first one.
func (c *copied) csv(r io.Reader) error {
	in := bufio.NewReader(r)
	if c.pages > 1 {
		if _, err := in.ReadString('\n'); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	if !c.terminal {
		_, err := in.WriteTo(c.w)
		return err
	}
	rows, escaped := csv.NewReader(in), csv.NewWriter(c.w)
	for {
		cells, err := rows.Read()
		if err != nil {
			escaped.Flush()
			if errors.Is(err, io.EOF) {
				return escaped.Error()
			}
			return err
		}
		for i := range cells {
			cells[i] = output.Escaped(cells[i])
		}
		if err := escaped.Write(cells); err != nil {
			return err
		}
	}
}

// array copies the elements of a page.
func (c *copied) array(r io.Reader) error {
	out := bufio.NewWriter(c.w)
	err := records.Each(r, func(element jsontext.Value) error {
		begin := ",\n"
		if c.elements == 0 {
			begin = "["
		}
		c.elements++
		return output.JSON(out, io.MultiReader(strings.NewReader(begin), strings.NewReader(string(element))), c.terminal)
	})
	return errors.Join(err, out.Flush())
}

// end ends the array of several pages. Each page has at least one element, apart from the last one.
func (c *copied) end() error {
	if c.elements == 0 {
		return nil
	}
	_, err := io.WriteString(c.w, "]\n")
	return err
}
