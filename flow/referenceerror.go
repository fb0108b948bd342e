package flow

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"flowring/flow/advice"
	"flowring/flow/field"
)

// space is the white space of JSON.
const space = " \t\r\n"

// refuse returns the error about the record being read.
func (d *referenceDecoder) refuse(name, reason string) error {
	d.at = int(d.tokens.InputOffset()) - 1
	return &RecordError{Index: d.index(), Field: name, Reason: reason}
}

// located adds the line to a *RecordError if the body has several lines.
func (d *referenceDecoder) located(err error) error {
	var refused *RecordError
	if errors.As(err, &refused) && bytes.Contains(bytes.TrimSpace(d.body), []byte("\n")) {
		refused.Line = 1 + bytes.Count(d.body[:d.at], []byte("\n"))
	}
	return err
}

// notAnObject returns the error about a value in the place of a record.
func (d *referenceDecoder) notAnObject() error {
	if d.tokens.PeekKind() == jsontext.KindBeginArray {
		d.unread = true
		return d.refuseNext("", "must be an object, got an array")
	}
	raw, err := d.tokens.ReadValue()
	if err != nil {
		return d.syntaxError(-1, "", err)
	}
	return d.refuse("", field.Got("must be an object", raw))
}

// refuseNext is refuse for the next value, which is neither a record nor a possible value of a field.
func (d *referenceDecoder) refuseNext(name, reason string) error {
	err := d.refuse(name, reason)
	rest := bytes.TrimLeft(d.body[min(d.at+1, len(d.body)):], space+",:")
	d.at = len(d.body) - len(rest)
	return err
}

// syntaxError returns the error for invalid JSON. Offsets count from 0.
func (d *referenceDecoder) syntaxError(index int, name string, err error) error {
	whole := [...]string{array: "array", sequence: "record"}[d.form]
	const cut = "not valid JSON: the body ends after %d bytes, before the %s does; was it cut short?"
	reason := fmt.Sprintf(cut, len(d.body), whole)
	d.at = len(d.body)
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) && !errors.Is(err, io.ErrUnexpectedEOF) {
		d.at = min(int(syntax.ByteOffset), len(d.body))
		hint := advice.Syntax(d.body[d.at:])
		if d.tokens.StackDepth() == 0 && hint != "" && d.body[d.at] == ',' {
			hint = "; records with commas between them stand between [ and ]"
		}
		reason = fmt.Sprintf("not valid JSON at byte %d: %s%s", d.at, syntax.Err, hint)
	}
	return &RecordError{Index: index, Field: name, Reason: reason, Broken: index >= 0}
}
