package ask

import (
	"context"
	"fmt"
	"io"
	"net/url"

	"flowring/cmd/flowring/access"
	"flowring/cmd/flowring/output"
	"flowring/cmd/flowring/table"
	"flowring/internal/contract"
	"flowring/router/client"
)

// The paths of questions.
const (
	PathFlows = "/flows"
	PathHours = "/hours"
)

// tableRows is the number of rows in a table for people, unless they ask for another one.
const tableRows = "1000"

// Printer prints the answer to a question.
type Printer struct {
	Access         *access.Access
	Stdout, Stderr io.Writer
	Format         string
	Style          table.Style // of a table
	All            bool        // follow the pages to the last row

	notedComplete contract.Completeness // the weakest one that stderr has a note about
	saturated     bool
}

// NewPrinter returns a printer in the style of the terminal, if stdout is one.
func NewPrinter(a *access.Access, stdout, stderr io.Writer, format string, exact bool) *Printer {
	style := table.Style{Width: output.Width(stdout), Colour: output.Colour(stdout), Exact: exact}
	return &Printer{Access: a, Stdout: stdout, Stderr: stderr, Format: format, Style: style,
		notedComplete: contract.Complete}
}

// sink takes the pages of an answer.
type sink interface {
	// page takes one page. alone: it is the first one, and no other one follows.
	page(r io.Reader, alone bool) error
	// end takes the end of the last page.
	end() error
}

// Print asks a question at a path, and prints the rows.
func (p *Printer) Print(ctx context.Context, path string, values url.Values) error {
	c, err := p.Access.Client(p.Stderr)
	if err != nil {
		return err
	}
	defer c.Close()
	to := p.sink(path, values)
	for first := true; values != nil; first = false {
		if values, err = p.one(ctx, c, path, values, to, first); err != nil {
			return err
		}
	}
	return p.end(to)
}

// sink returns the sink of the format, and adds the parameters that it needs.
func (p *Printer) sink(path string, values url.Values) sink {
	if p.Format != output.FormatTable {
		values.Set("format", p.Format)
		return &copied{w: p.Stdout, format: p.Format, terminal: output.Terminal(p.Stdout)}
	}
	values.Set("format", output.FormatNDJSON)
	if path == PathFlows && !p.All && !values.Has("top") && !values.Has("limit") {
		values.Set("limit", tableRows)
	}
	return newTableSink(p.Stdout, p.Style, path, values)
}

// one asks for one page, and returns the query of the next one, or nil.
func (p *Printer) one(
	ctx context.Context, c *client.Client, path string, values url.Values, to sink, first bool,
) (next url.Values, err error) {
	ctx, answered, cancel := p.Access.Bound(ctx)
	defer cancel()
	rows, err := p.Access.Query(ctx, c, path, values, "")
	answered()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	p.noteComplete(rows.Complete)
	reading := newProgress(rows, p.progressTo())
	err = to.page(reading, first && (!p.All || rows.Last()))
	if err == nil {
		_, err = io.Copy(io.Discard, reading) // to the trailer
	}
	reading.end()
	p.saturated = p.saturated || rows.Saturated()
	next = rows.Next()
	switch {
	case err != nil || p.All:
		return next, err
	case next != nil:
		fmt.Fprintln(p.Stderr, "flowring: note: there are more rows: --all prints them, --limit sets their number")
	}
	return nil, nil
}

// end prints the end of the answer, and the note about its sums.
func (p *Printer) end(to sink) error {
	if p.saturated {
		fmt.Fprintln(p.Stderr, "flowring: note: a sum is larger than 9223372036854775807, and is shown as this number")
	}
	return to.end()
}

// progressTo returns the terminal for the progress: stderr, unless the rows themselves appear there meanwhile.
func (p *Printer) progressTo() io.Writer {
	return progressTo(p.Stdout, p.Stderr, p.Format)
}

func progressTo(stdout, stderr io.Writer, format string) io.Writer {
	if output.Terminal(stderr) && (format == output.FormatTable || !output.Terminal(stdout)) {
		return stderr
	}
	return nil
}

// noteComplete prints a note about an answer that may be incomplete, once for each degree (P5).
func (p *Printer) noteComplete(complete contract.Completeness) {
	if complete >= p.notedComplete {
		return
	}
	p.notedComplete = complete
	if complete == contract.Unproven {
		fmt.Fprintln(p.Stderr, "flowring: note: the answer may be incomplete: "+
			"a store that may hold a part of it did not answer")
		return
	}
	fmt.Fprintln(p.Stderr,
		"flowring: note: the answer is incomplete: a store that should hold a part of it did not answer")
}
