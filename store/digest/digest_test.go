package digest

import (
	"bytes"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"flowring/flow"
)

// dotGenerator draws dots that are often adjacent, and some at the ends of the range.
func dotGenerator() *rapid.Generator[flow.Dot] {
	return rapid.Custom(func(t *rapid.T) flow.Dot {
		seq := rapid.OneOf(rapid.Uint64Range(0, 20), rapid.Uint64Range(math.MaxUint64-5, math.MaxUint64)).Draw(t, "seq")
		return dot(rapid.Uint64Range(0, 3).Draw(t, "origin"), seq)
	})
}

func setOf(dots []flow.Dot) map[flow.Dot]bool {
	set := make(map[flow.Dot]bool)
	for _, d := range dots {
		set[d] = true
	}
	return set
}

// same fails the test unless d is the set, in its only form.
func same(t *rapid.T, name string, d Digest, set map[flow.Dot]bool) {
	got := slices.Collect(d.Dots())
	if !maps.Equal(setOf(got), set) || len(got) != len(set) {
		t.Fatalf("%s = %v, want %v", name, got, set)
	}
	if d.Count() != uint64(len(set)) || d.Empty() != (len(set) == 0) {
		t.Fatalf("%s: Count() = %d, Empty() = %t, want %d", name, d.Count(), d.Empty(), len(set))
	}
	if again := Of(got...); !d.Equal(again) || d.Sum() != again.Sum() {
		t.Fatalf("%s = %s, built anew from its dots %s", name, d, again)
	}
	parsed, err := Parse(d.Encode())
	if err != nil || !parsed.Equal(d) {
		t.Fatalf("%s: Parse(Encode()) = %s, %v, want %s", name, parsed, err, d)
	}
}

func TestDigestIsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dots := rapid.SliceOfN(dotGenerator(), 0, 40)
		first, second := dots.Draw(t, "a"), dots.Draw(t, "b")
		a, b := Of(first...), Of(second...)
		inA, inB := setOf(first), setOf(second)
		union, minus := maps.Clone(inA), maps.Clone(inA)
		maps.Copy(union, inB)
		maps.DeleteFunc(minus, func(d flow.Dot, _ bool) bool { return inB[d] })
		same(t, "a", a, inA)
		same(t, "a.Union(b)", a.Union(b), union)
		same(t, "a.Minus(b)", a.Minus(b), minus)
		if got, want := b.Lacks(a), len(minus) > 0; got != want {
			t.Fatalf("b.Lacks(a) = %t, want %t", got, want)
		}
		if got, want := a.Equal(b), maps.Equal(inA, inB); got != want || (a.Sum() == b.Sum()) != want {
			t.Fatalf("a.Equal(b) = %t, their sums equal: %t, want %t", got, a.Sum() == b.Sum(), want)
		}
		for _, d := range second {
			if got := a.Has(d); got != inA[d] {
				t.Fatalf("a.Has(%s) = %t, want %t", d, got, inA[d])
			}
		}
		results := []Digest{a.Clone(), a.Union(b), a.Union(Digest{}), a.Minus(Digest{})}
		for i := range results {
			for _, d := range second {
				results[i].Add(d)
			}
		}
		same(t, "a after its copies grew", a, inA)
	})
}

func TestDigestCountsWithoutWrapping(t *testing.T) {
	all := Digest{[]originSeqs{{1, intervals{{0, math.MaxUint64}}}, {2, intervals{{5, 9}}}}}
	if got := all.Count(); got != math.MaxUint64 {
		t.Errorf("Count() = %d, want %d", got, uint64(math.MaxUint64))
	}
	if got := Of(dot(2, 7)).Minus(all); !got.Empty() {
		t.Errorf("Minus(all) = %s, want none", got)
	}
}

func TestParseRefuses(t *testing.T) {
	good := Of(dot(1, 4), dot(1, 5), dot(1, 9), dot(2, 1)).Encode()
	origin := func(n byte) []byte { return []byte{0, 0, 0, 0, 0, 0, 0, n} }
	join := func(parts ...[]byte) []byte { return append([]byte{version}, bytes.Join(parts, nil)...) }
	tests := []struct {
		name string
		data []byte
	}{
		{"nothing", nil},
		{"another version", append([]byte{version + 1}, good[1:]...)},
		{"an end that is cut off", good[:len(good)-1]},
		{"bytes after its end", append(slices.Clone(good), 0)},
		{"more origins than there is room for", join([]byte{200, 1}, origin(1), []byte{1, 1, 0})},
		{"more intervals than there is room for", join([]byte{1}, origin(1), []byte{100, 1, 0})},
		{"an origin without seqs", join([]byte{1}, origin(1), []byte{0, 0, 0})},
		{"origins in descending order", join([]byte{2}, origin(2), []byte{1, 1, 0}, origin(1), []byte{1, 1, 0})},
		{"an origin twice", join([]byte{2}, origin(1), []byte{1, 1, 0}, origin(1), []byte{1, 9, 0})},
		{"a number in a longer form", join([]byte{1}, origin(1), []byte{1, 0x81, 0, 0})},
		{"a seq over 2^64-1", join([]byte{1}, origin(1), []byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1})},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got, err := Parse(test.data); !errors.Is(err, ErrMalformed) {
				t.Errorf("Parse(%x) = %s, %v, want %v", test.data, got, err, ErrMalformed)
			}
		})
	}
}

// A digest of a newer program is refused by name, with both versions.
func TestADigestOfAnotherVersionIsRefusedByName(t *testing.T) {
	data := append([]byte{7}, Of(dot(1, 1)).Encode()[1:]...)
	if _, err := Parse(data); err == nil || !strings.Contains(err.Error(), "version 7, this program reads version 1") {
		t.Errorf("Parse of version 7 = %v, want both versions", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Digest{}.Encode())
	f.Add(Of(dot(1, 1), dot(1, 2), dot(7, math.MaxUint64)).Encode())
	f.Add(Of(dot(0, 0), dot(0, 2), dot(0, 4)).Encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Parse(data)
		if err != nil {
			return
		}
		if got := d.Encode(); !bytes.Equal(got, data) {
			t.Errorf("Encode(Parse(%x)) = %x, want the same", data, got)
		}
		if d.Size() > 16*int64(len(data)) {
			t.Errorf("%d bytes became a digest of %d", len(data), d.Size())
		}
		if !d.Union(d).Equal(d) || !d.Minus(d).Empty() || d.Lacks(d) {
			t.Errorf("%s is not equal to itself", d)
		}
	})
}

func dot(origin, seq uint64) flow.Dot { return flow.Dot{Origin: origin, Seq: seq} }
