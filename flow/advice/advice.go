package advice

import (
	"bytes"
	"strings"

	"flowring/flow/field"
)

// Syntax advises how to correct JSON whose first fault is at the beginning of rest. It is empty when the words of
// the tokenizer are enough.
func Syntax(rest []byte) string {
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

// NoRecords returns the refusal of a body whose first byte cannot begin records.
func NoRecords(body []byte) string {
	const want = "must be a JSON array of records, or one record after the other"
	text := bytes.Trim(body, " \t\r\n")
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
