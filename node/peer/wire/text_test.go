package wire

import (
	"bytes"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"flowring/flow"
	"flowring/ring/roster"
)

func TestSlicesHaveOneSpelling(t *testing.T) {
	for _, s := range []flow.Slice{{}, {Hour: 7}, {Hour: -1, Index: 3}, {Hour: math.MinInt64, Index: math.MaxUint32}, {Hour: math.MaxInt64}} {
		got, err := ParseSlice(FormatSlice(s))
		if err != nil || got != s {
			t.Errorf("ParseSlice(FormatSlice(%v)) = %v, %v, want it back", s, got, err)
		}
	}
	for _, text := range []string{"", "7", "7/", "/1", "x/1", "7/x", "7/-1", "7/4294967296", "9223372036854775808/0", "7/1/2", "7/1 "} {
		if got, err := ParseSlice(text); err == nil {
			t.Errorf("ParseSlice(%q) = %v, want an error", text, got)
		}
	}
}

func TestStoresHaveOneSpelling(t *testing.T) {
	for _, established := range []bool{true, false} {
		s := roster.Store{ID: roster.NewStoreID(), Name: "node-1.example_x", Established: established}
		got, err := ParseStore(FormatStore(s))
		if err != nil || got != s {
			t.Errorf("ParseStore(FormatStore(%v)) = %v, %v, want it back", s, got, err)
		}
	}
	id := string(roster.NewStoreID())
	for _, text := range []string{"", id, id + " a", id + " a maybe", "xyz a true", strings.ToUpper(id[:31]) + "G a true"} {
		if got, err := ParseStore(text); err == nil {
			t.Errorf("ParseStore(%q) = %v, want an error", text, got)
		}
	}
}

func FuzzParseSlice(f *testing.F) {
	f.Add("7/0")
	f.Add("-9223372036854775808/4294967295")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSlice(text)
		if err != nil {
			return
		}
		if again, err := ParseSlice(FormatSlice(s)); err != nil || again != s {
			t.Errorf("ParseSlice(%q) = %v, but %q is parsed as %v, %v", text, s, FormatSlice(s), again, err)
		}
	})
}

func FuzzParseStore(f *testing.F) {
	f.Add(FormatStore(roster.Store{ID: roster.NewStoreID(), Name: "a", Established: true}))
	f.Add("x y z")
	f.Add(FormatStore(roster.Store{ID: roster.NewStoreID(), Name: "a"}) + " a fact of a later version")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseStore(text)
		if err != nil {
			return
		}
		if again, err := ParseStore(FormatStore(s)); err != nil || again != s {
			t.Errorf("ParseStore(%q) = %v, but %q is parsed as %v, %v", text, s, FormatStore(s), again, err)
		}
	})
}

func FuzzParseTags(f *testing.F) {
	f.Add("W/a b")
	f.Add(" \t")
	f.Fuzz(func(t *testing.T, text string) {
		tags := ParseTags(text)
		if again := ParseTags(FormatTags(tags)); !slices.Equal(again, tags) {
			t.Errorf("ParseTags(%q) = %q, but written again it is %q", text, tags, again)
		}
	})
}

func FuzzParseSummary(f *testing.F) {
	f.Add([]byte("7/0 00112233445566778899aabbccddeeff\n"))
	f.Add([]byte("7/0 " + strings.Repeat("0", 34) + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		sums, err := ParseSummary(text)
		if err != nil {
			return
		}
		var again bytes.Buffer
		for s, sum := range sums {
			WriteSum(&again, s, sum)
		}
		if got, err := ParseSummary(again.Bytes()); err != nil || !maps.Equal(got, sums) {
			t.Errorf("ParseSummary(%q) = %v, but written again it is %v, %v", text, sums, got, err)
		}
	})
}
