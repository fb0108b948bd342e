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
	return &RecordError{Index: d.index(), Field: name, Reason: reason}
}

// notAnObject returns the error about what stands where a record should.
func (d *strict) notAnObject() error {
	if d.tokens.PeekKind() == jsontext.KindBeginArray {
		return d.refuse("", "must be an object, got an array")
	}
	raw, err := d.tokens.ReadValue()
	if err != nil {
		return d.syntaxError(-1, "", err)
	}
	return d.refuse("", got("must be an object", raw))
}

// syntaxError returns the error for what is no JSON. Offsets count from 0.
func (d *strict) syntaxError(index int, name string, err error) error {
	reason := fmt.Sprintf("not valid JSON: the body ends after %d bytes, before the array does; was it cut short?", len(d.body))
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) && !errors.Is(err, io.ErrUnexpectedEOF) {
		at := min(int(syntax.ByteOffset), len(d.body))
		reason = fmt.Sprintf("not valid JSON at byte %d: %s%s", at, syntax.Err, syntaxHint(d.body[at:]))
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

// notAnArray returns why body cannot be an array, judged by how it begins; empty when it can.
func notAnArray(body []byte) string {
	const want = "must be a JSON array of records"
	text := bytes.Trim(body, space)
	switch {
	case len(text) == 0:
		return want + `, got an empty body; send [] for no records`
	case text[0] == '[':
		return ""
	case text[0] == '{' && isLines(text):
		return want + ", got one object per line; put the objects between [ and ], with commas between them"
	case text[0] == '{':
		return want + ", got an object; put it between [ and ]"
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
		{"\xef\xbb\xbf", "a byte order mark; leave out these first 3 bytes"},
		{"\xff\xfe", "UTF-16; send UTF-8"},
		{"\xfe\xff", "UTF-16; send UTF-8"},
	} {
		if bytes.HasPrefix(text, []byte(f.magic)) {
			return f.advice
		}
	}
	return ""
}

// isLines reports whether text, which begins with an object, looks like one object per line (NDJSON).
func isLines(text []byte) bool {
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	return bytes.HasSuffix(bytes.TrimRight(first, space), []byte("}")) && bytes.HasPrefix(bytes.TrimLeft(rest, space), []byte("{"))
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
