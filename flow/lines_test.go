package flow

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Records give the same posting in every form of a body.
func TestDecodeTakesRecordsInEveryForm(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		in := records().Draw(rt, "records")
		if len(in) == 0 {
			return
		}
		want := mustAddUp(t, in)
		for _, between := range []string{"", "\n", "\r\n", " \n\t\n", "\n\n"} {
			var text strings.Builder
			for _, r := range in {
				text.Write(AppendRecord(nil, r))
				text.WriteString(between)
			}
			got, err := Decode([]byte(between + text.String()))
			if err != nil || !reflect.DeepEqual(got, want) {
				rt.Errorf("Decode(%q) = %+v, %v, want %+v", text.String(), got, err, want)
			}
		}
	})
}

func TestASequenceIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		body  string
		index int
		want  string
	}{
		"commas between records": {
			good + ",\n" + good, -1,
			"not valid JSON at byte 91: invalid character ',' at start of value; records with commas between them stand between [ and ]",
		},
		"a comma behind the last": {
			good + "\n,", -1,
			"not valid JSON at byte 92: invalid character ',' at start of value; records with commas between them stand between [ and ]",
		},
		"an array behind a record": {good + "[]", 1, "must be an object, got an array"},
		"null behind a record":     {good + "\nnull", 1, "must be an object, got null"},
		"a number behind a record": {good + " 5", 1, "must be an object, got 5"},
		"text behind a record":     {good + "x", -1, "not valid JSON at byte 91: invalid character 'x' at start of value"},
		"a bracket too many":       {good + "]", -1, "not valid JSON at byte 91: invalid character ']' at start of value"},
		"a brace too many":         {good + "}", -1, "not valid JSON at byte 91: invalid character '}' at start of value"},
		"a record cut short":       {good + "\n{", 1, "not valid JSON: the body ends after 93 bytes, before the record does; was it cut short?"},
		"nesting of 129 levels":    {with("{", `{"a":`+nested(127)+","), 0, "must not nest arrays and objects more than 128 deep, does so at byte 131"},
		"a record behind an array": {"[]" + good, -1, "must end with the array, got more at byte 2: " + good[:37] + "...; send one array per request"},
	} {
		t.Run(name, func(t *testing.T) { checkRefused(t, c.body, c.index, "", c.want) })
	}
}

// An error names the line of the body, unless the body has only one.
func TestErrorsNameTheLine(t *testing.T) {
	pretty := strings.NewReplacer("{", "{\n", ",", ",\n", "}", "\n}").Replace(good)
	for name, c := range map[string]struct {
		body string
		line int
	}{
		"one line":                           {"[" + with("100", "x") + "]", 0},
		"one line with its end":              {with("100", "x") + "\r\n", 0},
		"the first of two lines":             {with("100", "-1") + "\n" + good, 1},
		"the third line":                     {good + "\n" + good + "\n" + with("100", "-1") + "\n" + good, 3},
		"a field that is missing":            {good + "\n" + with(`"hour":20`, `"x":20`) + "\n" + good, 2},
		"a field twice":                      {good + "\n" + with("{", `{"hour":1,`) + "\n" + good, 2},
		"empty lines before":                 {"\n\n" + with("100", "-1"), 0},
		"empty lines between":                {good + "\n\n\n" + with("100", "-1"), 4},
		"no JSON":                            {good + "\n" + good + "\n{x}\n", 3},
		"a record cut short":                 {good + "\n" + good + "\n{", 3},
		"an array":                           {"[\n" + good + ",\n" + good + ",\n" + with("100", "-1") + "\n]", 4},
		"a comma too many":                   {"[\n" + good + ",\n]", 2},
		"more behind an array":               {"[\n" + good + "\n]\n\nx", 5},
		"a field on its own line":            {pretty + "\n" + strings.Replace(pretty, "500", "x", 1), 14},
		"a field missing from several lines": {pretty + "\n" + strings.Replace(pretty, "hour", "HOUR", 1), 9},
		"a number where a record should be":  {"[" + good + ",\n5]", 2},
		"an array where a record should be":  {"[" + good + ",\n[]]", 2},
		"an array behind a record":           {good + "\n\n[]", 3},
		"an array where a number should be":  {"[" + good + ",\n" + with("20", "\n[]") + "]", 3},
		"not records":                        {"\nx\ny", 0},
	} {
		_, err := Decode([]byte(c.body))
		var got *RecordError
		if !errors.As(err, &got) || got.Line != c.line {
			t.Errorf("%s: Decode(%q) = %v, want line %d", name, c.body, err, c.line)
		}
	}
}

func TestALenientDecoderAcceptsAnySum(t *testing.T) {
	d := Decoder{Leniency: Leniency{AnySum: true}}
	most := with("100", "9223372036854775807", "500", "9007199254740992")
	for range 2 {
		p, err := d.Decode([]byte(most))
		if err != nil || p.Batches[0].Totals(0) != (Totals{1<<63 - 1, 1 << 53}) {
			t.Errorf("Decode(%s) = %+v, %v, want its sums", most, p, err)
		}
	}
	if _, err := d.Decode([]byte(with("100", "9223372036854775808"))); err == nil {
		t.Error("a number of bytes of 2^63 is taken")
	}
	if _, err := Decode([]byte(most)); err == nil {
		t.Error("a number of bytes of 2^63-1 is taken where it is not asked for")
	}
}
