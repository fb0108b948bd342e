package parts

import (
	"io"

	"flowring/flow/ingest/form"
)

// lines are records of one line each, or rows of CSV.
type lines struct {
	text   *window
	kind   func(line []byte) form.LineKind
	quoted bool // a row may have line ends within quotes
	header []byte
}

// Lines returns a reader of lines of which kind tells the kinds, in their order. If quoted a line may have line ends
// within double quotes.
func Lines(in io.Reader, kind func(line []byte) form.LineKind, quoted bool) *Reader {
	w := newWindow(in)
	return &Reader{text: w, source: &lines{text: w, kind: kind, quoted: quoted}}
}

// begin implements source.
func (l *lines) begin(p *Part) { p.Text = append(p.Text, l.header...) }

// next implements source.
func (l *lines) next(p *Part) error {
	at := l.text.line
	line, err := l.text.takeLine(l.quoted)
	if err != nil {
		return err
	}
	switch l.kind(line) {
	case form.HeaderLine:
		l.header = append(append(l.header[:0], line...), '\n')
		p.Text = append(p.Text, l.header...)
	case form.RecordLine:
		p.add(line, at)
		p.Units[len(p.Units)-1].Open = l.text.open
	case form.NoRecord:
	}
	return nil
}
