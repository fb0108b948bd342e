package flow

import (
	"bytes"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth is how many arrays and objects may stand inside each other in a request, its array and the record included. What is
// deeper can only be in a field that is not ours, and is there to exhaust a stack (P16).
const maxDepth = 128

// decodeStrictly is Decode without a thought about speed, and what decides: Decode accepts what this accepts and makes the same
// of it, and every error is one of its.
func decodeStrictly(body []byte, lenient Leniency) (*Posting, error) {
	form := formOf(body)
	if form == noForm {
		return nil, &RecordError{Index: -1, Reason: noRecords(body)}
	}
	b := builder{Leniency: lenient}
	b.reset(0)
	d := newStrict(body, &b)
	read := d.array
	if form == sequence {
		d.form, d.deepest, read = sequence, maxDepth-1, d.sequence
	}
	if err := read(); err != nil {
		return nil, d.located(err)
	}
	return d.build.posting(), nil
}

// strict reads one body, or single records that a scanner leaves to it.
type strict struct {
	body    []byte       // nil for single records: nobody is shown their errors
	text    bytes.Buffer // what tokens reads, without a copy
	tokens  jsontext.Decoder
	build   *builder
	deepest int // how many arrays and objects of what is read may stand inside each other
	form    form
	start   int // offset in body of the record being read
	at      int // offset in body of what an error is about
	record
}

// record is the record being read.
type record struct {
	seen  [numFields]string // the name by which each field came; empty: not yet
	names [3][]byte         // unescaped
	sums  [2]int64
	hour  int64
}

func newStrict(body []byte, build *builder) *strict {
	d := &strict{body: body, build: build, deepest: maxDepth, form: array}
	d.reset(body)
	return d
}

// reset makes text the next to be read.
func (d *strict) reset(text []byte) {
	d.text = *bytes.NewBuffer(text)
	// Names may come twice as far as the tokenizer is concerned: it would remember every unknown name to find out.
	d.tokens.Reset(&d.text, jsontext.AllowDuplicateNames(true))
}

// array reads the body, of which the first byte is known to be the bracket.
func (d *strict) array() error {
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
			return d.notAnObject()
		}
	}
}

// sequence reads the body, of which the first byte is known to be a brace.
func (d *strict) sequence() error {
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
func (d *strict) addObject() error {
	if err := d.object(); err != nil {
		return err
	}
	d.at = d.start
	return d.add()
}

// end reads the closing bracket, behind which there may only be white space.
func (d *strict) end() error {
	if _, err := d.tokens.ReadToken(); err != nil {
		return d.syntaxError(-1, "", err)
	}
	rest := bytes.TrimLeft(d.body[d.tokens.InputOffset():], space)
	if len(rest) == 0 {
		return nil
	}
	d.at = len(d.body) - len(rest)
	const reason = "must end with the array, got more at byte %d: %s; send one array per request"
	return &RecordError{Index: -1, Reason: fmt.Sprintf(reason, len(d.body)-len(rest), quote(rest))}
}

// object reads one record.
func (d *strict) object() error {
	if _, err := d.tokens.ReadToken(); err != nil {
		return d.syntaxError(d.index(), "", err)
	}
	d.start = int(d.tokens.InputOffset()) - 1
	d.seen = [numFields]string{}
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
			err := d.refuse(field(f).String(), "is missing; every record needs it")
			d.at = d.start
			return err
		}
	}
	return nil
}

// add adds the record that was read.
func (d *strict) add() error {
	b := d.build
	f := triple{b.symbolOf(d.names[0]), b.symbolOf(d.names[1]), b.symbolOf(d.names[2])}
	return b.add(Hour(d.hour), f, Totals{d.sums[0], d.sums[1]})
}

// index returns the number of the record being read.
func (d *strict) index() int { return d.build.records }
