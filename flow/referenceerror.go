package flow

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

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
		hint := syntaxHint(d.body[d.at:])
		if d.tokens.StackDepth() == 0 && hint != "" && d.body[d.at] == ',' {
			hint = "; records with commas between them stand between [ and ]"
		}
		reason = fmt.Sprintf("not valid JSON at byte %d: %s%s", d.at, syntax.Err, hint)
	}
	return &RecordError{Index: index, Field: name, Reason: reason}
}

// syntaxHint advises how to correct JSON whose first fault is at the beginning of rest. It is empty when the words of
// the tokenizer are enough.
func syntaxHint(rest []byte) string {
	switch word := string(rest[:min(len(rest), 3)]); {
	case strings.HasPrefix(word, ","):
		return "; a value is missing here, or there is a comma too many"
	case word == "NaN", word == "Inf":
		return "; JSON has no NaN and no Infinity"
	case strings.HasPrefix(word, "'"):
		return "; names and strings stand in double quotes"
	}
	return ""
}

// noRecords returns the refusal of a body whose first byte cannot begin records.
func noRecords(body []byte) string {
	const want = "must be a JSON array of records, or one record after the other"
	text := bytes.Trim(body, space)
	if len(text) == 0 {
		return want + `, got an empty body; send [] for no records`
	}
	if foreign := foreignText(text); foreign != "" {
		return want + ", got " + foreign
	}
	return want + ", got " + field.Quote(text)
}

// foreignText recognizes other formats by their first bytes. It returns the name of the format and advice; it is empty
// for unknown text.
func foreignText(text []byte) string {
	for _, f := range [...]struct{ magic, advice string }{
		{"\x1f\x8b", "gzip data; say so with the header Content-Encoding: gzip"},
		{"\x28\xb5\x2f\xfd", "zstd data; say so with the header Content-Encoding: zstd"},
		{"\xef\xbb\xbf", "a byte order mark; leave out these first 3 bytes"},
		{"\xff\xfe", "UTF-16; send UTF-8"},
		{"\xfe\xff", "UTF-16; send UTF-8"},
	} {
		if bytes.HasPrefix(text, []byte(f.magic)) {
			return f.advice
		}
	}
	first, _, several := bytes.Cut(text, []byte(","))
	if f, _ := field.Named(string(bytes.Trim(first, `"`))); several && f != field.Unknown {
		return "CSV; say so with the header Content-Type: text/csv"
	}
	return ""
}
