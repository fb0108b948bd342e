package flow

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// nasty draws names that have what JSON must escape, and what looks like the end of something.
func nasty() *rapid.Generator[string] {
	return rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{
		"a", "b", "é", "\"", "\\", "\\\"", "}", `,"hour":5}`, "\n", "\x00", "\x1f", "\b", "\f", "\r", "\t", "u0041", "/",
	}), 1, 8), func(parts []string) string { return strings.Join(parts, "") })
}

func TestNamesOfARecordAreThoseWritten(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		name := nasty()
		want := [3]string{name.Draw(rt, "src"), name.Draw(rt, "dest"), name.Draw(rt, "vpc")}
		record := AppendRecord(nil, Record{Key: Key{want[0], want[1], want[2]}, Hour: -7})
		names, ok := NamesOf(record)
		if !ok {
			rt.Fatalf("NamesOf(%s) found none", record)
		}
		for i := range names {
			if got := string(unescape(names[i])); got != want[i] {
				rt.Errorf("name %d of %s = %q, want %q", i, record, got, want[i])
			}
		}
	})
}

func TestCompareJSONOrdersByTheNamesThemselves(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a, b := nasty().Draw(rt, "a"), nasty().Draw(rt, "b")
		escape := func(s string) []byte { return bytes.Trim(appendString(nil, "_"+s+"_"), `"`) }
		if got, want := CompareJSON(escape(a), escape(b)), strings.Compare("_"+a+"_", "_"+b+"_"); got != want {
			rt.Errorf("CompareJSON(%q, %q) = %d, want %d", a, b, got, want)
		}
	})
}

func FuzzNamesOf(f *testing.F) {
	f.Add(AppendRecord(nil, Record{Key: Key{`a"`, `b\`, "c}"}}))
	f.Add([]byte(`{"src_app":"\`))
	f.Fuzz(func(t *testing.T, record []byte) {
		if names, ok := NamesOf(record); ok {
			for _, name := range names {
				unescape(name)
			}
		}
	})
}
