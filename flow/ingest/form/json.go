package form

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// jsonReader reads form json.
type jsonReader struct {
	root    *branch
	records string
	row     []string
	nested  bool // the value just read has rows below it
}

// branch is a place in a path: an object that has fields of the preset, or a field.
type branch struct {
	below map[string]*branch
	field int // -1: no field
}

// newJSON returns a reader of fields.
func newJSON(fields []string, records string) *jsonReader {
	r := &jsonReader{root: &branch{field: -1}, records: records, row: make([]string, len(fields))}
	for i, path := range fields {
		if strings.Count(path, ".") <= maxDots {
			r.root.add(path, i)
		}
	}
	return r
}

// maxDots limits the dots of a field, because each of them may stand in a name or between two.
const maxDots = 8

// add adds a path. A name may have dots, so each cut of the path has a branch.
func (b *branch) add(path string, field int) {
	at := func(name string) *branch {
		if b.below == nil {
			b.below = map[string]*branch{}
		}
		if b.below[name] == nil {
			b.below[name] = &branch{field: -1}
		}
		return b.below[name]
	}
	at(path).field = field
	for i := range path {
		if path[i] == '.' && i > 0 && i < len(path)-1 {
			at(path[:i]).add(path[i+1:], field)
		}
	}
}

// Read implements Reader.
func (r *jsonReader) Read(body []byte, to Sink) error {
	if first := bytes.TrimLeft(body, " \t\r\n"); len(first) > 0 && first[0] != '[' && first[0] != '{' {
		return &BodyError{"the body has neither a JSON array nor JSON objects"}
	}
	for rest := body; len(rest) > 0; {
		begin, err := r.values(decoderOf(rest), to)
		if err == io.EOF {
			return nil
		}
		if !isSyntax(err) {
			return err
		}
		value := bytes.TrimLeft(rest[begin:], " \t\r\n")
		line, next := value, []byte(nil)
		if i := bytes.IndexByte(value, '\n'); i >= 0 {
			line, next = value[:i+1], bytes.TrimLeft(value[i:], " \t\r\n")
		}
		if r.nested || errors.Is(err, io.ErrUnexpectedEOF) && (len(next) > 0 || !bytes.HasSuffix(line, []byte("\n"))) {
			return broken(err, len(body)-len(rest), len(body))
		}
		to.Malformed()
		rest = next
	}
	return nil
}

// broken returns the error of a body of which only a part is JSON. base is the offset of the text with the error.
func broken(err error, base, size int) error {
	var syntax *jsontext.SyntacticError
	if errors.Is(err, io.ErrUnexpectedEOF) || !errors.As(err, &syntax) {
		return &BrokenError{fmt.Sprintf("the body ends within its JSON, after %d bytes", size)}
	}
	return &BrokenError{fmt.Sprintf("the array or object that has the records is no JSON at byte %d",
		int64(base)+syntax.ByteOffset)}
}

// values reads objects and arrays one after the other. At an error it returns where the value begins.
func (r *jsonReader) values(d *jsontext.Decoder, to Sink) (begin int, err error) {
	for err == nil {
		begin = int(d.InputOffset())
		if d.PeekKind() == '[' {
			r.nested = true
			err = r.elements(d, to)
			continue
		}
		r.nested = false
		err = r.object(d, to)
	}
	return begin, err
}

// decoderOf returns a decoder as lenient as senders need: of two equal names the last counts, and the engine finds text
// that is no UTF-8.
func decoderOf(text []byte) *jsontext.Decoder {
	return jsontext.NewDecoder(bytes.NewBuffer(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// errNoObject is the error of a value that is no object.
var errNoObject = errors.New("no object")

// isSyntax reports whether err is about the body and not of the sink.
func isSyntax(err error) bool {
	return err == errNoObject || err == io.ErrUnexpectedEOF || errors.As(err, new(*jsontext.SyntacticError))
}

// elements reads an array with its brackets. A value that is no object is malformed.
func (r *jsonReader) elements(d *jsontext.Decoder, to Sink) error {
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != ']' {
		err := r.object(d, to)
		if err == errNoObject {
			to.Malformed()
			err = d.SkipValue()
		}
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// object reads one object and gives its row to the sink. An object that has the records is no row.
func (r *jsonReader) object(d *jsontext.Decoder, to Sink) error {
	switch d.PeekKind() {
	case '{':
	case 0:
		_, err := d.ReadToken() // the error of the peek
		return err
	default:
		return errNoObject
	}
	clear(r.row)
	hadRecords, err := r.fields(d, r.root, to)
	if err != nil || hadRecords {
		return err
	}
	return to.Row(r.row)
}

// fields reads an object with its braces into the row. hadRecords reports that the object has the records.
func (r *jsonReader) fields(d *jsontext.Decoder, at *branch, to Sink) (hadRecords bool, err error) {
	if _, err := d.ReadToken(); err != nil {
		return false, unexpected(err)
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return false, unexpected(err)
		}
		text := name.String()
		if at == r.root && text == r.records && r.records != "" && d.PeekKind() == '[' {
			r.nested, hadRecords = true, true
			if err := r.elements(d, to); err != nil {
				return false, err
			}
			continue
		}
		if err := r.value(d, at.below[text], to); err != nil {
			return false, err
		}
	}
	_, err = d.ReadToken()
	return hadRecords, unexpected(err)
}

// value reads the value of a name.
func (r *jsonReader) value(d *jsontext.Decoder, at *branch, to Sink) error {
	kind := d.PeekKind()
	switch {
	case at == nil || kind == '[' || kind == '{' && at.below == nil:
		return unexpected(d.SkipValue())
	case kind == '{':
		_, err := r.fields(d, at, to)
		return err
	}
	token, err := d.ReadToken()
	if err == nil && at.field >= 0 {
		r.row[at.field] = ""
		if kind != 'n' {
			r.row[at.field] = token.String()
		}
	}
	return unexpected(err)
}

// unexpected returns io.EOF within an object as io.ErrUnexpectedEOF.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
