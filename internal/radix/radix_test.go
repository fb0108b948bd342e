package radix

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNamesAreSortedByTheirBytes(t *testing.T) {
	part := rapid.OneOf(rapid.SampledFrom([]string{
		"a", "b", "application-", "\x00", "\x00\x00", "\x7f", "\u0080", "\U0010ffff", "é", "\"", "\\", "\n", "\x01\x02\x03\x04\x05\x06\x07",
		"\x80", "\xff", "12345", "123456", "1234567", "12345678",
	}))
	name := rapid.Map(rapid.SliceOfN(part, 1, 4), func(parts []string) string { return strings.Join(parts, "") })
	rapid.Check(t, func(rt *rapid.T) {
		names := rapid.SliceOfDistinct(name, rapid.ID).Draw(rt, "names")
		want := slices.Sorted(slices.Values(names))
		var got []string
		for _, i := range SortNames(names) {
			got = append(got, names[i])
		}
		if !slices.Equal(got, want) {
			rt.Errorf("SortNames: %q, want %q", got, want)
		}
	})
}

func TestWordsAreSortedByTheBitsAsked(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		above := rapid.IntRange(0, 63).Draw(rt, "above")
		width := rapid.IntRange(0, 64-above).Draw(rt, "width")
		words := rapid.SliceOf(rapid.Uint64()).Draw(rt, "words")
		bits := func(w uint64) uint64 { return w >> above & (1<<width - 1) }
		want := slices.Clone(words)
		slices.SortStableFunc(want, func(a, b uint64) int { return cmp.Compare(bits(a), bits(b)) })
		if got, _ := SortWords(words, make([]uint64, len(words)), above, width); !slices.Equal(got, want) {
			rt.Errorf("sorted by %d bits above %d: %x, want %x", width, above, got, want)
		}
	})
}

func BenchmarkSortNames(b *testing.B) {
	names := make([]string, 1_000_000)
	for i := range names {
		names[i] = fmt.Sprintf("application-%06x", i*7919%len(names))
	}
	for b.Loop() {
		SortNames(names)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(names)), "ns/name")
}
