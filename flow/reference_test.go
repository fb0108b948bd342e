package flow

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// good is a record as JSON; with replaces parts of it.
const good = `{"src_app":"foo","dest_app":"bar","vpc_id":"vpc-0","bytes_tx":100,"bytes_rx":500,"hour":20}`

func with(oldNew ...string) string { return strings.NewReplacer(oldNew...).Replace(good) }

func TestDecodeAccepts(t *testing.T) {
	normal := rec(20, "foo", "bar", "vpc-0", 100, 500)
	for name, c := range map[string]struct {
		body string
		want Record
	}{
		"the example of the contract": {"[" + good + "]", normal},
		"white space everywhere":      {" \r\n[ " + with(":", "\t:\n", ",", " ,\r") + " ] \n\t", normal},
		"src_ip, dest_ip and vpc as other names": {
			"[" + with("src_app", "src_ip", "dest_app", "dest_ip", "vpc_id", "vpc") + "]",
			normal,
		},
		"an escaped field name": {"[" + with("src_app", `src\u005fapp`) + "]", normal},
		"unknown fields of any kind": {
			"[" + with("{", `{"a":null,"b":[{"c":[]}],"d":{},"e":-1.5e9,"f":"\u00e9","":true,`) + "]",
			normal,
		},
		"an unknown field twice":                  {"[" + with("{", `{"a":1,"a":2,`) + "]", normal},
		"known names within an unknown field":     {"[" + with("{", `{"a":{"hour":1,"src_app":null},`) + "]", normal},
		"a field that differs in case as unknown": {"[" + with("{", `{"HOUR":1,"Src_app":5,`) + "]", normal},
		"nesting of 128 levels":                   {"[" + with("{", `{"a":`+nested(126)+`,`) + "]", normal},
		"nothing but zeros": {
			"[" + with("100", "0", "500", "0", "20", "0") + "]",
			rec(0, "foo", "bar", "vpc-0", 0, 0),
		},
		"minus zero as zero": {
			"[" + with("100", "-0", "500", "-0", "20", "-0") + "]",
			rec(0, "foo", "bar", "vpc-0", 0, 0),
		},
		"2^53-1 bytes": {
			"[" + with("100", "9007199254740991") + "]",
			rec(20, "foo", "bar", "vpc-0", MaxBytes, 500),
		},
		"the first hour": {
			"[" + with("20", "-9223372036854775808") + "]",
			rec(-1<<63, "foo", "bar", "vpc-0", 100, 500),
		},
		"the last hour": {
			"[" + with("20", "9223372036854775807") + "]",
			rec(1<<63-1, "foo", "bar", "vpc-0", 100, 500),
		},
		"names of 256 bytes": {
			"[" + with("foo", strings.Repeat("é", 128)) + "]",
			rec(20, strings.Repeat("é", 128), "bar", "vpc-0", 100, 500),
		},
		"256 bytes of which all are escaped": {
			"[" + with("foo", strings.Repeat(`\u0041`, 256)) + "]",
			rec(20, strings.Repeat("A", 256), "bar", "vpc-0", 100, 500),
		},
		"escapes and other scripts": {
			"[" + with("foo", `\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00日本\u0000`) + "]",
			rec(20, "\"\\/\b\f\n\r\té😀日本\x00", "bar", "vpc-0", 100, 500),
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Decode([]byte(c.body))
			if err != nil {
				t.Fatalf("Decode(%s) = %v, want no error", c.body, err)
			}
			if got, want := sums(t, p), fold([]Record{c.want}); !reflect.DeepEqual(got, want) || p.Records != 1 {
				t.Errorf("Decode(%s) = %d records, %v, want 1, %v", c.body, p.Records, got, want)
			}
		})
	}
}

// nested returns arrays inside each other, depth deep.
func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

func TestDecodeOfAnEmptyArrayHasNoRecords(t *testing.T) {
	p, err := Decode([]byte(" [ ]\n"))
	if err != nil || p.Records != 0 || len(p.Batches) != 0 || p.Hours() == nil {
		t.Errorf("Decode([]) = %+v, %v, want no records and no error", p, err)
	}
}

func TestDecodeRefusesTheBody(t *testing.T) {
	const want = "must be a JSON array of records, or one record after the other"
	for name, c := range map[string]struct{ body, want string }{
		"empty":             {"", want + ", got an empty body; send [] for no records"},
		"white space alone": {" \n", want + ", got an empty body; send [] for no records"},
		"null":              {"null", want + ", got null"},
		"a number":          {"5", want + ", got 5"},
		"a string":          {`"[]"`, want + `, got "[]"`},
		"a form": {
			"src_app=foo&dest_app=bar&vpc_id=vpc-0&hour=5",
			want + ", got src_app=foo&dest_app=bar&vpc_id=vpc-0...",
		},
		"CSV":        {"src_app,hour\n", want + ", got CSV; say so with the header Content-Type: text/csv"},
		"quoted CSV": {"\"hour\",\"vpc\"\n", want + ", got CSV; say so with the header Content-Type: text/csv"},
		"gzip data": {
			"\x1f\x8b\x08\x00",
			want + ", got gzip data; say so with the header Content-Encoding: gzip",
		},
		"zstd data": {
			"\x28\xb5\x2f\xfd",
			want + ", got zstd data; say so with the header Content-Encoding: zstd",
		},
		"a byte order mark":         {"\xef\xbb\xbf[]", want + ", got a byte order mark; leave out these first 3 bytes"},
		"UTF-16":                    {"\xff\xfe[\x00]\x00", want + ", got UTF-16; send UTF-8"},
		"UTF-16 in the other order": {"\xfe\xff\x00[\x00]", want + ", got UTF-16; send UTF-8"},
		"other bytes":               {"\x80\x81", want + `, got "\x80\x81"`},
		"a bracket without its partner": {
			"[",
			"not valid JSON: the body ends after 1 bytes, before the array does; was it cut short?",
		},
		"a body cut short": {
			"[" + good + ",",
			"not valid JSON: the body ends after 93 bytes, before the array does; was it cut short?",
		},
		"a trailing comma": {
			"[" + good + ",]",
			"not valid JSON at byte 92: invalid character ',' at start of value; a value is missing here, or there is a comma too many",
		},
		"a missing comma": {
			"[" + good + good + "]",
			"not valid JSON at byte 92: invalid character '{' after array element (expecting ',' or ']')",
		},
		"a comment": {
			"[/* none */]",
			"not valid JSON at byte 1: invalid character '/' at start of value",
		},
		"two arrays": {
			"[] \n[]\n",
			"must end with the array, got more at byte 4: \"[]\\n\"; send one array per request",
		},
		"text behind the array": {
			"[" + good + "] x",
			"must end with the array, got more at byte 94: x; send one array per request",
		},
		"a zero byte behind the array": {
			"[]\x00",
			"must end with the array, got more at byte 2: \"\\x00\"; send one array per request",
		},
	} {
		t.Run(name, func(t *testing.T) { checkRefused(t, c.body, -1, "", c.want) })
	}
}

func TestDecodeRefusesARecord(t *testing.T) {
	for name, c := range map[string]struct{ record, want string }{
		"null":     {"null", "must be an object, got null"},
		"a number": {"5", "must be an object, got 5"},
		"a string": {`"x"`, `must be an object, got "x"`},
		"an array": {"[" + good + "]", "must be an object, got an array"},
		"single quotes": {
			"{'hour':1}",
			"not valid JSON at byte 94: invalid character '\\'' at start of value; names and strings stand in double quotes",
		},
		"bare names": {
			"{hour:1}",
			"not valid JSON at byte 94: invalid character 'h' at start of value",
		},
		"a trailing comma": {
			`{"hour":1,}`,
			"not valid JSON at byte 102: invalid character ',' at start of value; a value is missing here, or there is a comma too many",
		},
		"a number as name":                     {`{5:1}`, "not valid JSON at byte 94: object member name must be a string"},
		"invalid UTF-8 in an unknown field":    {"{\"a\":\"\xff\"}", "not valid JSON at byte 99: invalid UTF-8"},
		"invalid UTF-8 in the name of a field": {"{\"\xc3(\":1}", "not valid JSON at byte 95: invalid UTF-8"},
		"half a surrogate pair in another field": {
			`{"a":"\ud800"}`,
			"not valid JSON at byte 99: invalid surrogate pair `\\ud800\"}]` in string",
		},
		"nesting of 129 levels in a field": {
			`{"a":` + nested(127) + `}`,
			"must not nest arrays and objects more than 128 deep, does so at byte 224",
		},
		"nesting of 129 levels of objects": {
			strings.Repeat(`{"a":`, 128),
			"must not nest arrays and objects more than 128 deep, does so at byte 728",
		},
	} {
		t.Run(name, func(t *testing.T) { checkRefused(t, "["+good+","+c.record+"]", 1, "", c.want) })
	}
}

func TestDecodeRefusesAField(t *testing.T) {
	const (
		twice   = "is there twice"
		missing = "is missing; every record needs it"
	)
	for name, c := range map[string]struct{ record, field, want string }{
		"no src_app":                {with(`"src_app":"foo",`, ""), "src_app", missing},
		"no dest_app":               {with(`"dest_app":"bar",`, ""), "dest_app", missing},
		"no vpc_id":                 {with(`"vpc_id":"vpc-0",`, ""), "vpc_id", missing},
		"no bytes_tx":               {with(`"bytes_tx":100,`, ""), "bytes_tx", missing},
		"no bytes_rx":               {with(`"bytes_rx":500,`, ""), "bytes_rx", missing},
		"no hour":                   {with(`,"hour":20`, ""), "hour", missing},
		"no field at all":           {"{}", "src_app", missing},
		"a name in capitals":        {with("hour", "Hour"), "hour", missing},
		"null for a name":           {with(`"foo"`, "null"), "src_app", wantName + ", got null"},
		"null for a number":         {with("100", "null"), "bytes_tx", wantBytes + ", got null"},
		"null for the hour":         {with("20", "null"), "hour", wantHour + ", got null"},
		"a number for a name":       {with(`"bar"`, "5"), "dest_app", wantName + ", got 5"},
		"true for a name":           {with(`"vpc-0"`, "true"), "vpc_id", wantName + ", got true"},
		"an object for a name":      {with(`"foo"`, `{"a":1}`), "src_app", wantName + ", got an object"},
		"an array for a number":     {with("500", "[500]"), "bytes_rx", wantBytes + ", got an array"},
		"a deep array for a number": {with("500", nested(9000)), "bytes_rx", wantBytes + ", got an array"},
		"a string for a number": {
			with("100", `"100"`),
			"bytes_tx",
			wantBytes + `, got "100"; write the number without quotes`,
		},
		"a string for the hour": {
			with("20", `"20"`),
			"hour",
			wantHour + `, got "20"; write the number without quotes`,
		},
		"a fraction": {
			with("100", "1.5"),
			"bytes_tx",
			wantBytes + ", got 1.5; write it without fraction and exponent",
		},
		"a fraction of zero": {
			with("100", "1.0"),
			"bytes_tx",
			wantBytes + ", got 1.0; write it without fraction and exponent",
		},
		"an exponent": {
			with("500", "1e3"),
			"bytes_rx",
			wantBytes + ", got 1e3; write it without fraction and exponent",
		},
		"an hour with an exponent": {
			with("20", "2E1"),
			"hour",
			wantHour + ", got 2E1; write it without fraction and exponent",
		},
		"negative bytes": {with("100", "-1"), "bytes_tx", wantBytes + ", got -1"},
		"2^53 bytes":     {with("100", "9007199254740992"), "bytes_tx", wantBytes + ", got 9007199254740992"},
		"2^64 bytes": {
			with("100", "18446744073709551616"),
			"bytes_tx",
			wantBytes + ", got 18446744073709551616",
		},
		"an hour over 2^63-1": {with("20", "9223372036854775808"), "hour", wantHour + ", got 9223372036854775808"},
		"an hour under -2^63": {with("20", "-9223372036854775809"), "hour", wantHour + ", got -9223372036854775809"},
		"a number of many digits": {
			with("100", strings.Repeat("9", 400)),
			"bytes_tx",
			wantBytes + ", got " + strings.Repeat("9", 37) + "...",
		},
		"an empty name": {with(`"foo"`, `""`), "src_app", wantName + `, got ""`},
		"257 bytes": {
			with("foo", strings.Repeat("x", 257)),
			"src_app",
			wantName + `, got 257 bytes: "` + strings.Repeat("x", 36) + "...",
		},
		"257 bytes in 129 characters": {
			with("foo", "x"+strings.Repeat("é", 128)),
			"src_app",
			wantName + `, got 257 bytes: "x` + strings.Repeat("é", 17) + "...",
		},
		"257 bytes, escaped": {
			with("foo", strings.Repeat(`\n`, 257)),
			"src_app",
			wantName + `, got 257 bytes: "` + strings.Repeat(`\n`, 18) + "...",
		},
		"a field twice":               {with("{", `{"hour":20,`), "hour", twice},
		"a field twice, once escaped": {with("{", `{"h\u006fur":20,`), "hour", twice},
		"another name twice":          {with("vpc_id", "vpc", "{", `{"vpc":"vpc-0",`), "vpc", twice},
		"src_ip before src_app": {
			with("{", `{"src_ip":"foo",`),
			"src_app",
			`is another name for "src_ip", which the record has too`,
		},
		"src_ip behind src_app": {
			with("}", `,"src_ip":"foo"}`),
			"src_ip",
			`is another name for "src_app", which the record has too`,
		},
		"dest_ip beside dest_app": {
			with("}", `,"dest_ip":"foo"}`),
			"dest_ip",
			`is another name for "dest_app", which the record has too`,
		},
		"vpc beside vpc_id": {
			with("{", `{"vpc":"vpc-0",`),
			"vpc_id",
			`is another name for "vpc", which the record has too`,
		},
		"NaN": {
			with("100", "NaN"),
			"bytes_tx",
			"not valid JSON at byte 155: invalid character 'N' at start of value; JSON has no NaN and no Infinity",
		},
		"minus infinity": {
			with("100", "-Infinity"),
			"bytes_tx",
			"not valid JSON at byte 156: invalid character 'I' in number (expecting digit); JSON has no NaN and no Infinity",
		},
		"a number with a plus": {
			with("100", "+1"),
			"bytes_tx",
			"not valid JSON at byte 155: invalid character '+' at start of value",
		},
		"a number that begins with .": {
			with("100", ".5"),
			"bytes_tx",
			"not valid JSON at byte 155: invalid character '.' at start of value",
		},
		"a line break in a string": {
			with("foo", "f\no"),
			"src_app",
			`not valid JSON at byte 106: invalid character '\n' in string (expecting non-control character)`,
		},
		"an unknown escape": {
			with("foo", `\x41`),
			"src_app",
			"not valid JSON at byte 105: invalid escape sequence `\\x` in string",
		},
		"invalid UTF-8 in a name":      {with("foo", "\xff"), "src_app", "not valid JSON at byte 105: invalid UTF-8"},
		"an over-long form of a slash": {with("foo", "\xc0\xaf"), "src_app", "not valid JSON at byte 105: invalid UTF-8"},
		"a surrogate in UTF-8":         {with("foo", "\xed\xa0\x80"), "src_app", "not valid JSON at byte 105: invalid UTF-8"},
		"half a surrogate pair": {
			with("foo", `\udc00`),
			"src_app",
			"not valid JSON at byte 105: invalid surrogate pair `\\udc00\",\"des` in string",
		},
		"no colon": {
			`{"hour" 1}`,
			"hour",
			"not valid JSON at byte 101: invalid character '1' after object name (expecting ':')",
		},
		"no value": {
			with("100", ""),
			"bytes_tx",
			"not valid JSON at byte 155: invalid character ',' at start of value; a value is missing here, or there is a comma too many",
		},
	} {
		t.Run(name, func(t *testing.T) { checkRefused(t, "["+good+","+c.record+"]", 1, c.field, c.want) })
	}
}

func TestDecodeRefusesANumberWithLeadingZeros(t *testing.T) {
	checkRefused(t, "["+with("100", "0100")+"]", 0, "",
		"not valid JSON at byte 64: invalid character '1' after object value (expecting ',' or '}')")
}

func checkRefused(t *testing.T, body string, index int, field, reason string) {
	t.Helper()
	p, err := Decode([]byte(body))
	var got *RecordError
	if !errors.As(err, &got) || p != nil {
		t.Fatalf("Decode(%.200s) = %+v, %v, want no posting and a RecordError", body, p, err)
	}
	want := RecordError{Index: index, Line: got.Line, Field: field, Reason: reason} // other tests check lines
	if got.Broken = false; *got != want {
		t.Errorf("Decode(%.200s):\n got %+v\nwant %+v", body, *got, want)
	}
}

func TestTheTextOfARecordError(t *testing.T) {
	for want, e := range map[string]RecordError{
		"must be an array":                                        {Index: -1, Reason: "must be an array"},
		"record 3: must be an object, got 5":                      {Index: 3, Reason: "must be an object, got 5"},
		`record 3: field "bytes_tx": must be an integer, got 1.5`: {Index: 3, Field: "bytes_tx", Reason: "must be an integer, got 1.5"},
		`line 2: record 1: field "hour": is missing`:              {Index: 1, Line: 2, Field: "hour", Reason: "is missing"},
		`line 1: field "port": is there twice`:                    {Index: -1, Line: 1, Field: "port", Reason: "is there twice"},
	} {
		if got := e.Error(); got != want {
			t.Errorf("%#v.Error() = %q, want %q", e, got, want)
		}
	}
}

func TestDecodeRefusesASumOverTheLimit(t *testing.T) {
	most := with("100", "9007199254740991")
	fits := strings.Repeat(most+",", 1023) + most
	if _, err := Decode([]byte("[" + fits + "]")); err != nil {
		t.Errorf("Decode(1024 times 2^53-1) = %v, want no error", err)
	}
	p, err := Decode([]byte("[" + fits + "," + most + "]"))
	if !errors.Is(err, ErrOverflow) || errors.As(err, new(*RecordError)) || p != nil {
		t.Errorf("Decode(1025 times 2^53-1) = %v, %v, want ErrOverflow", p, err)
	}
}

func TestDecodeEqualsAddUp(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		in := records().Draw(rt, "records")
		if len(in) == 0 {
			return
		}
		text := body(in)
		before := bytes.Clone(text)
		got, err := Decode(text)
		if want := mustAddUp(t, in); err != nil || !reflect.DeepEqual(got, want) {
			rt.Errorf("Decode(%s) = %+v, %v, want %+v", text, got, err, want)
		}
		if !bytes.Equal(text, before) {
			rt.Errorf("Decode changed its input from %s to %s", before, text)
		}
	})
}

// The memory for a hostile body must be a small multiple of its size (P16).
func TestDecodeAllocatesInProportionToItsInput(t *testing.T) {
	const size = 1 << 20
	fill := func(text string) string { return strings.Repeat(text, size/len(text)) }
	var hours strings.Builder
	for i := 0; hours.Len() < size; i++ {
		fmt.Fprintf(&hours, `{"src_app":"a","dest_app":"a","vpc":"a","bytes_tx":0,"bytes_rx":0,"hour":%d},`, i)
	}
	for name, text := range map[string]string{
		"opening brackets":           fill("["),
		"opening braces":             "[" + fill(`{"":`),
		"unknown fields":             `[{` + fill(`"a":0,`),
		"distinct unknown fields":    `[{` + fill(`"\u0061":[],`),
		"a long name of a field":     `[{"` + fill("a"),
		"a long value":               `[{"hour":"` + fill(`\n`) + `"}]`,
		"a long number":              `[{"hour":` + fill("9") + `}]`,
		"one record after the other": strings.ReplaceAll(hours.String(), "},", "}"),
		"records of one hour each":   "[" + strings.TrimSuffix(hours.String(), ",") + "]",
	} {
		if got := allocated(func() { _, _ = Decode([]byte(text)) }); got > 10*size {
			t.Errorf("%s: Decode of %d bytes allocates %d bytes, want at most 10 times the input", name, len(text), got)
		}
	}
}
