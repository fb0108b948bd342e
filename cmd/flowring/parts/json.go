package parts

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// objects are JSON objects, one after the other or in arrays.
type objects struct {
	text    *window
	decoder *jsontext.Decoder
	within  bool // an array
}

// Objects returns a reader of JSON objects, one after the other or in arrays. An object that is no JSON is a bad unit,
// and the next object begins on a later line. Within an array it is an error, because it may hide others.
func Objects(in io.Reader) *Reader {
	w := newWindow(in)
	return &Reader{text: w, source: &objects{text: w, decoder: new(jsontext.Decoder)}}
}

// begin implements source.
func (o *objects) begin(*Part) {}

// next implements source.
func (o *objects) next(p *Part) error {
	first, err := o.text.skip(o.within)
	switch {
	case o.within && errors.Is(err, io.EOF):
		return errors.New("the input ends within its array: it is cut short")
	case err != nil:
		return err
	case first == '[' && !o.within, first == ']' && o.within:
		o.within = !o.within
		o.text.take(1)
		return nil
	}
	return o.value(p, first)
}

// value adds a value. Only an object is a record.
func (o *objects) value(p *Part, first byte) error {
	line := o.text.line
	n, err := o.length()
	switch {
	case err == nil && first == '{':
		p.add(o.text.take(n), line)
	case err == nil:
		o.text.take(n)
		p.addBad(line)
	case !isSyntax(err):
		return err
	case o.within:
		return fmt.Errorf("the rest of the array cannot be read: %w", err)
	default:
		p.addBad(line)
		if _, err := o.text.takeLine(false); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	return nil
}

// length returns the length of the value at the current place.
func (o *objects) length() (int, error) {
	for {
		o.decoder.Reset(bytes.NewBuffer(o.text.bytes), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
		_, err := o.decoder.ReadValue()
		n := int(o.decoder.InputOffset())
		if err == nil && (n < len(o.text.bytes) || o.text.ended) {
			return n, nil
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, err
		}
		if more := o.text.more(); errors.Is(more, io.EOF) && err == nil {
			return n, nil
		} else if errors.Is(more, io.EOF) {
			return 0, io.ErrUnexpectedEOF
		} else if more != nil {
			return 0, more
		}
	}
}

// isSyntax reports whether err is about the value and not about the input. An input that is cut short, such as a
// compressed one, has an io.ErrUnexpectedEOF within its error.
func isSyntax(err error) bool {
	return err == io.ErrUnexpectedEOF || errors.As(err, new(*jsontext.SyntacticError))
}
