package flow

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	space    = " \t\r\n" // what JSON calls white space
	maxQuote = 40        // bytes of an offending value that a message repeats
)

// refuse returns the error about the record being read.
func (d *strict) refuse(name, reason string) error {
	d.at = int(d.tokens.InputOffset()) - 1
	return &RecordError{Index: d.index(), Field: name, Reason: reason}
}

// located returns err with the line of the body that it is about, where the body has several.
func (d *strict) located(err error) error {
	var refused *RecordError
	if errors.As(err, &refused) && bytes.Contains(bytes.TrimSpace(d.body), []byte("\n")) {
		refused.Line = 1 + bytes.Count(d.body[:d.at], []byte("\n"))
	}
	return err
}

// notAnObject returns the error about what stands where a record should.
func (d *strict) notAnObject() error {
	if d.tokens.PeekKind() == jsontext.KindBeginArray {
		return d.refuseNext("", "must be an object, got an array")
	}
	raw, err := d.tokens.ReadValue()
	if err != nil {
		return d.syntaxError(-1, "", err)
	}
	return d.refuse("", got("must be an object", raw))
}

// refuseNext is refuse for a value that is not read, as it is no record or no value of a field.
func (d *strict) refuseNext(name, reason string) error {
	err := d.refuse(name, reason)
	rest := bytes.TrimLeft(d.body[min(d.at+1, len(d.body)):], space+",:")
	d.at = len(d.body) - len(rest)
	return err
}

// syntaxError returns the error for what is no JSON. Offsets count from 0.
func (d *strict) syntaxError(index int, name string, err error) error {
	whole := [...]string{array: "array", sequence: "record"}[d.form]
	reason := fmt.Sprintf("not valid JSON: the body ends after %d bytes, before the %s does; was it cut short?", len(d.body), whole)
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

// syntaxHint says what to do about JSON that is not valid from rest on; empty when the tokenizer's own words must do.
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

// noRecords returns why body holds no records, judged by how it begins.
func noRecords(body []byte) string {
	const want = "must be a JSON array of records, or one record after the other"
	text := bytes.Trim(body, space)
	if len(text) == 0 {
		return want + `, got an empty body; send [] for no records`
	}
	if foreign := foreignText(text); foreign != "" {
		return want + ", got " + foreign
	}
	return want + ", got " + quote(text)
}

// foreignText names what text is by its first bytes when it is not JSON in UTF-8, and what to do about it.
func foreignText(text []byte) string {
	for _, f := range [...]struct{ magic, advice string }{
		{"\x1f\x8b", "gzip data; say so with the header Content-Encoding: gzip"},
		{"\x28\xb5\x2f\xfd", "zstd data; say so with the header Content-Encoding: zstd"},
		{byteOrderMark, "a byte order mark; leave out these first 3 bytes"},
		{"\xff\xfe", "UTF-16; send UTF-8"},
		{"\xfe\xff", "UTF-16; send UTF-8"},
	} {
		if bytes.HasPrefix(text, []byte(f.magic)) {
			return f.advice
		}
	}
	first, _, several := bytes.Cut(text, []byte(","))
	if f, _ := fieldNamed(string(bytes.Trim(first, `"`))); several && f != numFields {
		return "CSV; say so with the header Content-Type: text/csv"
	}
	return ""
}

// noInteger returns why a value is no integer as wanted, and what to do about it.
func noInteger(want string, raw jsontext.Value) string {
	if hour, is := HourOfTime(string(bytes.Trim(raw, `"`))); is && want == wantHour {
		return fmt.Sprintf("%s; its hour is %d", got(want, raw), hour)
	}
	return got(want, raw) + integerHint(raw)
}

// integerHint says what to do about a value that is no integer of the range.
func integerHint(raw jsontext.Value) string {
	switch {
	case raw.Kind() == jsontext.KindString:
		return "; write the number without quotes"
	case raw.Kind() == jsontext.KindNumber && bytes.ContainsAny(raw, ".eE"):
		return "; write it without fraction and exponent"
	}
	return ""
}

// got completes the sentence of what is wanted by what there is.
func got(want string, raw jsontext.Value) string { return want + ", got " + quote(raw) }

// quote returns the beginning of text for a message: as it is when it is readable, else as a Go string.
func quote(text []byte) string {
	const more = "..."
	end := ""
	if len(text) > maxQuote {
		cut := maxQuote - len(more)
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text, end = text[:cut], more
	}
	if !utf8.Valid(text) || bytes.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(string(text)) + end
	}
	return string(text) + end
}
