package importer

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"flowring/cmd/flowring/output"
	"flowring/cmd/flowring/parts"
	"flowring/flow/ingest"
)

// report has the numbers of a file.
type report struct {
	name     string
	parts    int
	counts   ingest.Counts
	lines    map[ingest.Reason][]int // the first lines of each reason
	open     int                     // the last line, if it has no end
	stored   ingest.Sum              // flows of hours
	replayed ingest.Sum              // of stored: an earlier run had stored them
	other    ingest.Sum              // of replayed: with another mapping
	closed   map[ingest.Reason]ingest.Sum
}

// firstLines is the number of lines that are printed for a reason.
const firstLines = 5

func newReport(name string) *report {
	return &report{name: output.Escaped(name), lines: map[ingest.Reason][]int{}, closed: map[ingest.Reason]ingest.Sum{}}
}

// faultError ends a strict run.
type faultError struct {
	why  string
	line int
}

func (e *faultError) Error() string {
	return fmt.Sprintf("line %d: %s (--strict; nothing of the part with this line is stored)", e.line, e.why)
}

// end notes that a part ends with a line without its end. Many whole files do, so only a strict run ends there. But the
// line of a file that was cut short may be a record with a smaller number.
func (r *report) end(p *parts.Part, strict bool) error {
	last := p.Units[len(p.Units)-1]
	switch {
	case last.Open && strict:
		return &faultError{"the last line has no line end", last.Line}
	case last.Open:
		r.open = last.Line
	}
	return nil
}

// aside returns the function that notes the lines of records.
func (r *report) aside(strict bool) aside {
	return func(why ingest.Reason, line int) error {
		if strict && isFault(why) {
			return &faultError{why.String(), line}
		}
		if len(r.lines[why]) < firstLines {
			r.lines[why] = append(r.lines[why], line)
		}
		return nil
	}
}

// add adds the numbers of a part.
func (r *report) add(c *ingest.Counts, outcomes []outcome) {
	r.parts++
	r.counts.Add(c)
	for _, o := range outcomes {
		if o.closed != ingest.Kept {
			r.closed[o.closed] = r.closed[o.closed].Plus(o.flows)
			continue
		}
		r.stored = r.stored.Plus(o.flows)
		if o.replayed {
			r.replayed = r.replayed.Plus(o.flows)
		}
		if o.other {
			r.other = r.other.Plus(o.flows)
		}
	}
}

// failure returns the error of a file in which no record can be read, because its preset is probably wrong.
func (r *report) failure() error {
	var faults uint64
	for why := range ingest.Reasons() {
		if isFault(why) {
			faults += r.counts.Aside[why].Records
		}
	}
	if faults > 0 && faults == r.counts.Received.Records {
		return errors.New("no record can be read: is --preset right?")
	}
	return nil
}

// print prints the numbers.
func (r *report) print(to io.Writer) error {
	var b strings.Builder
	line := func(format string, args ...any) {
		fmt.Fprintf(&b, "%s: "+format+"\n", append([]any{r.name}, args...)...)
	}
	c := &r.counts
	line("%s read, %s kept with %s", output.Many(c.Received.Records, "record"), output.Exact(c.Kept.Records),
		output.Many(c.Kept.Bytes, "byte"))
	for why := range ingest.Reasons() {
		if n := c.Aside[why]; n.Records > 0 {
			line("%s set aside, %s%s", output.Many(n.Records, "record"), why, r.firstLines(why, n.Records))
		}
	}
	for note := range ingest.NumberOfNotes {
		if n := c.Notes[note]; n > 0 {
			line("%s kept in the hour of the end, %s", output.Many(n, "record"), note)
		}
	}
	if r.open > 0 {
		line("the last line, %d, has no line end: if the file was cut short, its last number may be too small", r.open)
	}
	line("%s of an hour stored, %s of them before", output.Many(r.stored.Records, "flow"),
		output.Exact(r.replayed.Records))
	if r.other.Records > 0 {
		line("%s stored before in place of other ones: the mapping has changed since", output.Many(r.other.Records, "flow"))
	}
	for why := range ingest.Reasons() {
		if n := r.closed[why]; n.Records > 0 {
			line("%s with %s not taken, %s", output.Many(n.Records, "flow"), output.Many(n.Bytes, "byte"), why)
		}
	}
	_, err := io.WriteString(to, b.String())
	return err
}

// firstLines names the first lines of a reason.
func (r *report) firstLines(why ingest.Reason, records uint64) string {
	lines := r.lines[why]
	text := strings.Trim(strings.ReplaceAll(fmt.Sprint(lines), " ", ", "), "[]")
	switch {
	case len(lines) == 0:
		return ""
	case uint64(len(lines)) < records:
		text += ", ..."
	}
	if records == 1 {
		return ": line " + text
	}
	return ": lines " + text
}
