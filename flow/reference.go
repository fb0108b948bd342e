package flow

import (
	"bytes"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"flowring/flow/advice"
	"flowring/flow/field"
)

// maxDepth is the deepest nesting of arrays and objects in a request, its array and the record included. Deeper nesting
// can only occur in an unknown field, and its purpose is to exhaust a stack (P16).
const maxDepth = 128

// decodeReference is Decode by the reference decoder, which is written for clarity and not for speed. Decode accepts
// exactly the same bodies, with the same results, and returns its errors.
func decodeReference(body []byte, lenient Leniency) (*Posting, error) {
	form := formOf(body)
	if form == noForm {
		return nil, &RecordError{Index: -1, Reason: advice.NoRecords(body)}
	}
	b := PostingBuilder{Leniency: lenient}
	b.Reset(0)
	d := newReferenceDecoder(body, &b)
	read := d.array
	if form == sequence {
		d.form, d.maxDepth, read = sequence, maxDepth-1, d.sequence
	}
	if err := read(); err != nil {
		return nil, d.located(err)
	}
	return b.Posting(), nil
}

// referenceDecoder reads one body, or single records for the scanner.
type referenceDecoder struct {
	body     []byte       // nil for single records, whose errors are never shown
	text     bytes.Buffer // the input of tokens, without a copy
	tokens   jsontext.Decoder
	builder  *PostingBuilder
	maxDepth int // of the nesting in text
	form     form
	start    int  // offset in body of the record being read
	at       int  // offset in body of the value in an error
	unread   bool // an array in the place of a record is refused and not read

	// The record being read.
	seen  [field.Count]string // the name by which each field came; empty: not yet
	names [3][]byte           // unescaped
	sums  [2]int64
	hour  int64
}

func newReferenceDecoder(body []byte, builder *PostingBuilder) *referenceDecoder {
	d := &referenceDecoder{body: body, builder: builder, maxDepth: maxDepth, form: array}
	d.reset(body)
	return d
}

// reset makes text the next input.
func (d *referenceDecoder) reset(text []byte) {
	d.text = *bytes.NewBuffer(text)
	// With AllowDuplicateNames the tokenizer does not have to remember every unknown name.
	d.tokens.Reset(&d.text, jsontext.AllowDuplicateNames(true))
}

// array reads a body with an opening bracket as its first token.
func (d *referenceDecoder) array() error {
	if _, err := d.tokens.ReadToken(); err != nil {
		return d.syntaxError(-1, "", err)
	}
	for {
		switch d.tokens.PeekKind() {
		case jsontext.KindBeginObject:
			if err := d.addObject(); err != nil {
				return err
			}
		case jsontext.KindEndArray:
			return d.end()
		default:
			if err := d.leaveOut(d.notAnObject()); err != nil {
				return err
			}
		}
	}
}

// sequence reads a body with an opening brace as its first token.
func (d *referenceDecoder) sequence() error {
	for {
		rest := bytes.TrimLeft(d.body[d.tokens.InputOffset():], space)
		switch {
		case len(rest) == 0:
			return nil
		case rest[0] != '{':
			return d.notAnObject()
		}
		if err := d.addObject(); err != nil {
			return err
		}
	}
}

// addObject reads one record and adds it.
func (d *referenceDecoder) addObject() error {
	err := d.object()
	if err == nil {
		d.at = d.start
		err = d.add()
	}
	if err != nil {
		return d.leaveOut(err)
	}
	return nil
}

// leaveOut leaves the record of an error out and goes on behind it. It returns an error that refuses the whole body.
func (d *referenceDecoder) leaveOut(err error) error {
	if len(d.builder.aside.First) < MaxReasons { // the work for a line grows with the body before it
		err = d.located(err)
	}
	if err := d.builder.LeaveOut(err); err != nil {
		return err
	}
	outer := int(sequence - d.form) // the depth between records
	for d.unread || d.tokens.StackDepth() > outer {
		d.unread = false
		if _, err := d.tokens.ReadToken(); err != nil {
			return d.syntaxError(d.index(), "", err)
		}
	}
	return nil
}

// end reads the closing bracket. Only white space may follow it.
func (d *referenceDecoder) end() error {
	if _, err := d.tokens.ReadToken(); err != nil {
		return d.syntaxError(-1, "", err)
	}
	rest := bytes.TrimLeft(d.body[d.tokens.InputOffset():], space)
	if len(rest) == 0 {
		return nil
	}
	d.at = len(d.body) - len(rest)
	const reason = "must end with the array, got more at byte %d: %s; send one array per request"
	return &RecordError{Index: -1, Reason: fmt.Sprintf(reason, d.at, field.Quote(rest))}
}

// object reads one record.
func (d *referenceDecoder) object() error {
	if _, err := d.tokens.ReadToken(); err != nil {
		return d.syntaxError(d.index(), "", err)
	}
	d.start = int(d.tokens.InputOffset()) - 1
	d.seen = [field.Count]string{}
	for d.tokens.PeekKind() != jsontext.KindEndObject {
		if err := d.member(); err != nil {
			return err
		}
	}
	if _, err := d.tokens.ReadToken(); err != nil {
		return d.syntaxError(d.index(), "", err)
	}
	for f, name := range d.seen {
		if name == "" {
			err := d.refuse(field.Field(f).String(), "is missing; every record needs it")
			d.at = d.start
			return err
		}
	}
	return nil
}

// add adds the record from object.
func (d *referenceDecoder) add() error {
	return d.builder.Add(d.names[0], d.names[1], d.names[2], Totals{d.sums[0], d.sums[1]}, Hour(d.hour))
}

// index returns the index of the record being read.
func (d *referenceDecoder) index() int { return d.builder.Records() }
