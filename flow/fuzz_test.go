package flow

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"", "[]", " [ ] ", "[" + good + "]", "[" + good + "," + good + "]",
		good, good + "\n" + good, "[" + good + "]]", "[" + good + ",]",
		"[" + with("src_app", "src_ip", "dest_app", "dest_ip", "vpc_id", "vpc") + "]",
		"[" + with("{", `{"src_ip":"x",`) + "]",
		"[" + with("100", "1e2", "500", "-0") + "]",
		"[" + with("100", "9007199254740991", "20", "-9223372036854775808") + "]",
		"[" + with("foo", `\ud83d\ude00\u0000\\ud800`) + "]",
		"[" + with("foo", `\\\ud800`) + "]",
		"[" + good + "," + with("foo", `f\u00fc\n`, "bar", `\"`, "vpc-0", `a long name with \u20AC`) + "," + good + "]",
		"[" + with("{", `{"a":[{"b":null}],"HOUR":1,"a":"`+"\xff"+`",`) + "]",
		"[" + with("{", `{"a":`+nested(126)+`,`) + "]",
		"[" + with("{", `{"a":`+nested(127)+`,`) + "]",
		"[" + strings.Repeat(with("100", "9007199254740991")+",", 1024) + with("100", "9007199254740991") + "]",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		checkAgreement(t, body)
		checkAgreement(t, afterManyOrders(body))
	})
}

// afterManyOrders returns an array with records of changing orders before its first record. The scanner then expects no
// order of the others.
func afterManyOrders(body []byte) []byte {
	changing := strings.Repeat(with(`,"hour":20`, "", "{", `{"hour":20,`)+","+good+",", 5)
	return append([]byte("["+changing), bytes.TrimPrefix(body, []byte("["))...)
}

// FuzzDecode finds odd bytes. This test finds odd combinations of fields, names and values.
func TestDecodeAgreesWithTheOracle(t *testing.T) {
	piece := func(all ...string) *rapid.Generator[string] { return rapid.SampledFrom(all) }
	name := piece("src_app", "src_ip", "dest_app", "dest_ip", "vpc_id", "vpc", "bytes_tx", "bytes_rx", "hour",
		`h\u006fur`, "HOUR", "")
	value := piece("0", "-0", "1", "-1", "1.0", "1e1", "01", "9007199254740991", "9007199254740992", "9223372036854775808", "null",
		"true", "NaN", `""`, `"a"`, `"1"`, `"\ud800"`, `"\ud83d\ude00"`, `"\\ud800"`, `"\n\u00fc\/"`, `"a\"b"`, `"\u12"`, `"\x"`,
		"\"\xff\"", "\"\t\"", "[]", "[1,]", `{"a":{}}`, "", `[1,"b",{"c":[-2.5e3,null]} ]`, "[1 2]", "[,1]", "[1", "{}",
		`{"a":1,}`, `{"a" 1}`, `{1:2}`, `{"a":1,"a":"\n"}`, "[\"\xff\"]", "{\"\xff\":1}", "[1}", nested(8), nested(9))
	part := piece(`"src_app"`, `"dest_app"`, `"vpc_id"`, `"bytes_tx"`, `"bytes_rx"`, `"hour"`, `"foo"`, "100", "20", ",", "}")
	member := rapid.Custom(func(t *rapid.T) string { return `"` + name.Draw(t, "name") + `":` + value.Draw(t, "value") })
	record := rapid.Custom(func(t *rapid.T) string {
		field := part.Draw(t, "part")
		switch rapid.IntRange(0, 3).Draw(t, "change") {
		case 0:
			return good
		case 1:
			return with("{", "{"+member.Draw(t, "more")+",")
		case 2:
			return with(field, value.Draw(t, "value"))
		}
		return with(field, `"`+name.Draw(t, "name")+`"`)
	})
	rapid.Check(t, func(rt *rapid.T) {
		all := rapid.SliceOfN(record, 0, 3).Draw(rt, "records")
		checkAgreement(t, []byte("["+strings.Join(all, ",")+"]"))
		checkAgreement(t, afterManyOrders([]byte(strings.Join(all, ",")+"]")))
		checkAgreement(t, []byte(strings.Join(all, piece("", "\n", "\r\n\r\n", ",", "[").Draw(rt, "between"))))
	})
}

// checkAgreement verifies that Decode and the oracle have the same result for a body.
func checkAgreement(t *testing.T, body []byte) {
	t.Helper()
	p, err := Decode(body)
	want, reason := naiveDecode(body)
	switch {
	case errors.Is(err, ErrOverflow):
		if _, naive := AddUp(want); reason == nil && naive == nil {
			t.Fatalf("Decode(%q) = %v, want no error", body, err)
		}
	case (err == nil) != (reason == nil):
		t.Fatalf("Decode(%q) = %v, but the oracle says %v", body, err, reason)
	case err != nil:
		checkError(t, body, err)
	default:
		if added := mustAddUp(t, want); !reflect.DeepEqual(p, added) {
			t.Fatalf("Decode(%q) = %+v, want %+v", body, p, added)
		}
		checkStruct(t, body, len(want))
	}
}

// checkError verifies that an error is one short printable line.
func checkError(t *testing.T, body []byte, err error) {
	t.Helper()
	var refused *RecordError
	if !errors.As(err, &refused) || refused.Reason == "" {
		t.Fatalf("Decode(%q) = %v, want a RecordError with a reason", body, err)
	}
	if text := err.Error(); len(text) > 400 || strings.ToValidUTF8(text, "") != text || strings.ContainsAny(text, "\n\r\x00") {
		t.Fatalf("Decode(%q) = %q, want one short line of text", body, text)
	}
}

// checkStruct verifies that encoding/json can read the accepted body.
func checkStruct(t *testing.T, body []byte, records int) {
	t.Helper()
	var got []map[string]json.RawMessage
	var err error
	if formOf(body) == array {
		err = json.Unmarshal(body, &got)
	} else {
		for d := json.NewDecoder(bytes.NewReader(body)); err == nil && d.More(); {
			var one map[string]json.RawMessage
			err = d.Decode(&one)
			got = append(got, one)
		}
	}
	if err != nil || len(got) != records {
		t.Fatalf("encoding/json reads %q as %d records, %v, want %d", body, len(got), err, records)
	}
}
