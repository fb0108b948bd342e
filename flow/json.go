package flow

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth is how many arrays and objects may stand inside each other in a request, its array and the record included. What is
// deeper can only be in a field that is not ours, and is there to exhaust a stack (P16).
const maxDepth = 128

const (
	wantName  = "must be a string of 1 to 256 bytes"
	wantBytes = "must be an integer from 0 to 9007199254740991"
	wantHour  = "must be an integer from -9223372036854775808 to 9223372036854775807"
)

// Decode parses the body of a POST, a JSON array of records, and adds the records up for a cluster with the given number of
// slices per hour. It is as strict as the contract: the whole body is refused, with a *RecordError, for the first thing in it
// that is not right; or with an error that wraps ErrOverflow when the records of a flow sum up to more than 2^63-1 bytes. It
// keeps nothing of body and does not change it.
func Decode(body []byte, slices int) (*Posting, error) {
	if reason := notAnArray(body); reason != "" {
		return nil, &RecordError{Index: -1, Reason: reason}
	}
	// Names may come twice as far as the tokenizer is concerned: it would remember every unknown name to find out.
	tokens := jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true))
	d := decoder{body: body, tokens: tokens, build: NewBuilder(slices)}
	if err := d.array(); err != nil {
		return nil, err
	}
	return d.build.Posting(), nil
}

// decoder reads one body.
type decoder struct {
	body    []byte
	tokens  *jsontext.Decoder
	build   *Builder
	scratch []byte // a name, unescaped
	record
}

// record is the record being read.
type record struct {
	seen  [numFields]string // the name by which each field came; empty: not yet
	names [3]uint32
	sums  [2]int64
	hour  int64
}

// array reads the body, of which the first byte is known to be the bracket.
func (d *decoder) array() error {
	if _, err := d.tokens.ReadToken(); err != nil {
		return d.syntaxError(-1, "", err)
	}
	for {
		switch d.tokens.PeekKind() {
		case jsontext.KindBeginObject:
			if err := d.object(); err != nil {
				return err
			}
		case jsontext.KindEndArray:
			return d.end()
		default:
			return d.notAnObject()
		}
	}
}

// end reads the closing bracket, behind which there may only be white space.
func (d *decoder) end() error {
	if _, err := d.tokens.ReadToken(); err != nil {
		return d.syntaxError(-1, "", err)
	}
	rest := bytes.TrimLeft(d.body[d.tokens.InputOffset():], space)
	if len(rest) == 0 {
		return nil
	}
	const reason = "must end with the array, got more at byte %d: %s; send one array per request"
	return &RecordError{Index: -1, Reason: fmt.Sprintf(reason, len(d.body)-len(rest), quote(rest))}
}

// object reads one record and adds it.
func (d *decoder) object() error {
	if _, err := d.tokens.ReadToken(); err != nil {
		return d.syntaxError(d.index(), "", err)
	}
	d.record = record{}
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
			return d.refuse(field(f).String(), "is missing; every record needs it")
		}
	}
	return d.build.add(Hour(d.hour), d.names, Totals{d.sums[0], d.sums[1]})
}

// member reads one field, its name and its value.
func (d *decoder) member() error {
	name, err := d.tokens.ReadToken()
	if err != nil {
		return d.syntaxError(d.index(), "", err)
	}
	f, spelling := fieldNamed(name.String())
	if f == numFields {
		return d.skip()
	}
	if before := d.seen[f]; before == spelling {
		return d.refuse(spelling, "is there twice")
	} else if before != "" {
		return d.refuse(spelling, fmt.Sprintf("is another name for %q, which the record has too", before))
	}
	d.seen[f] = spelling
	switch f {
	case fieldTx, fieldRx:
		d.sums[f-fieldTx], err = d.integer(spelling, wantBytes, 0, MaxBytes)
	case fieldHour:
		d.hour, err = d.integer(spelling, wantHour, -1<<63, 1<<63-1)
	default:
		d.names[f], err = d.name(spelling)
	}
	return err
}

// skip reads a value that is not ours, whatever it holds.
func (d *decoder) skip() error {
	depth := d.tokens.StackDepth()
	for {
		if _, err := d.tokens.ReadToken(); err != nil {
			return d.syntaxError(d.index(), "", err)
		}
		switch now := d.tokens.StackDepth(); {
		case now > maxDepth:
			const reason = "must not nest arrays and objects more than %d deep, does so at byte %d"
			return d.refuse("", fmt.Sprintf(reason, maxDepth, d.tokens.InputOffset()-1))
		case now == depth:
			return nil
		}
	}
}

// name reads a string and returns its symbol.
func (d *decoder) name(spelling string) (uint32, error) {
	raw, err := d.value(spelling, wantName)
	if err != nil {
		return 0, err
	}
	d.scratch, err = jsontext.AppendUnquote(d.scratch[:0], raw) // fails for anything but a string
	switch n := len(d.scratch); {
	case err != nil, n == 0:
		return 0, d.refuse(spelling, got(wantName, raw))
	case n > MaxName:
		return 0, d.refuse(spelling, fmt.Sprintf("%s, got %d bytes: %s", wantName, n, quote(raw)))
	}
	return intern(d.build, d.scratch), nil
}

// integer reads a number without fraction or exponent.
func (d *decoder) integer(spelling, want string, lowest, highest int64) (int64, error) {
	raw, err := d.value(spelling, want)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || n < lowest || n > highest {
		return 0, d.refuse(spelling, got(want, raw)+integerHint(raw))
	}
	return n, nil
}

// value reads the value of one of our fields. Objects and arrays are refused unread.
func (d *decoder) value(spelling, want string) (jsontext.Value, error) {
	switch d.tokens.PeekKind() {
	case jsontext.KindBeginObject:
		return nil, d.refuse(spelling, want+", got an object")
	case jsontext.KindBeginArray:
		return nil, d.refuse(spelling, want+", got an array")
	}
	raw, err := d.tokens.ReadValue()
	if err != nil {
		return nil, d.syntaxError(d.index(), spelling, err)
	}
	return raw, nil
}

// index returns the number of the record being read.
func (d *decoder) index() int { return d.build.records }
