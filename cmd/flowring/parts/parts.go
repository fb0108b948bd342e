package parts

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// The limits of a part. They never change: see the comment of the package.
const (
	MaxUnits = 10_000
	MaxText  = 8 << 20  // bytes after which a part ends
	MaxUnit  = 16 << 20 // bytes of a unit
)

// Part is a piece of a text. It is valid until the next call of Next.
type Part struct {
	Text  []byte // header and units, each with a line end
	Units []Unit
	Key   string // of the text up to the end of the part
}

// Unit is a record, or something that is in the place of one.
type Unit struct {
	Begin, End int // in Part.Text
	Line       int // of the input on which it begins, from 1
	Bad        bool
	Open       bool // a line without its end: the input ends with it, and may be cut short within it
}

// Of returns the text of a unit; of a bad one it is empty.
func (p *Part) Of(u Unit) []byte { return p.Text[u.Begin:u.End] }

// add adds a unit.
func (p *Part) add(text []byte, line int) {
	begin := len(p.Text)
	p.Text = append(p.Text, text...)
	p.Units = append(p.Units, Unit{Begin: begin, End: len(p.Text), Line: line})
	p.Text = append(p.Text, '\n')
}

// addBad adds a unit that cannot be read.
func (p *Part) addBad(line int) {
	p.Units = append(p.Units, Unit{Begin: len(p.Text), End: len(p.Text), Line: line, Bad: true})
}

// Reader cuts a text into parts.
type Reader struct {
	text   *window
	source source
	part   Part
	failed error // of the source
}

// source adds the next unit, or several that cannot be told apart, to a part. It returns io.EOF at the end.
type source interface {
	begin(p *Part)
	next(p *Part) error
}

// Next returns the next part, and io.EOF after the last one. A part that an error cuts short is not returned.
func (r *Reader) Next() (*Part, error) {
	if r.failed != nil {
		return nil, r.failed
	}
	r.part.Text, r.part.Units = r.part.Text[:0], r.part.Units[:0]
	r.source.begin(&r.part)
	for len(r.part.Units) < MaxUnits && len(r.part.Text) < MaxText {
		if r.failed = r.source.next(&r.part); r.failed != nil {
			break
		}
	}
	if r.failed != nil && !errors.Is(r.failed, io.EOF) {
		r.failed = fmt.Errorf("line %d: %w", r.text.line, r.failed)
		return nil, r.failed // the whole text has another part here, with another key
	}
	if len(r.part.Units) == 0 {
		return nil, r.failed
	}
	r.part.Key = hex.EncodeToString(r.text.hash.Sum(nil))
	return &r.part, nil
}
