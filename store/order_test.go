package store

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"flowring/flow"
)

// sortedByKey reports whether the records of r are in order, each flow once.
func sortedByKey(r *Reading) bool {
	keys := make([]flow.Key, 0, r.Len())
	for record := range r.Records() {
		keys = append(keys, record.Key)
	}
	return len(keys) == r.Len() && slices.IsSortedFunc(keys, flow.Key.Compare) && len(slices.Compact(keys)) == r.Len()
}

// What arrives between two readings is put in between what was in order, or all is sorted again: either gives the same.
func TestReadingsAreInOrderWhateverArrivedBetweenThem(t *testing.T) {
	for name, shares := range map[string][]int{
		"all at once":                     {3000},
		"one by one":                      {1000, 1, 1, 1},
		"a few, then many":                {2000, 5, 900},
		"nothing between":                 {1000, 0, 3, 0},
		"none at first":                   {0, 1, 700, 2},
		"the most that is put in between": {256 * 4, 4},
	} {
		t.Run(name, func(t *testing.T) {
			w, s, seq := newWorld(4000), New(Config{}, Deps{}), uint64(0)
			flows := w.flows
			for _, n := range shares {
				var records []flow.Record
				for _, k := range flows[:n] {
					records = append(records, flow.Record{Key: k, Totals: flow.Totals{BytesTx: 1}})
				}
				flows = flows[n:]
				if seq++; n > 0 {
					apply(t, s, batchOf(t, noon, dot(1, seq), records...))
				}
				if r := read(t, s, noon); !sortedByKey(r) {
					t.Errorf("after %v flows, of which the last %d were new, the reading of %d is not in order", shares, n, r.Len())
				}
			}
		})
	}
}

// A reading may be put in order after one that was copied later and has more flows.
func TestAnOlderReadingIsInOrderToo(t *testing.T) {
	w, s := newWorld(2000), New(Config{}, Deps{})
	w.fill(t, s, noon)
	c := s.held[noon].content
	older := &Reading{hour: noon.Hour, order: c.order}
	c.copyTo(older, nil)
	apply(t, s, batchOf(t, noon, dot(2, 1), flow.Record{Key: flow.Key{SrcApp: "a", DestApp: "b", VPCID: "c"}}))
	if r := read(t, s, noon); r.Len() != 2001 || !sortedByKey(r) {
		t.Errorf("the later reading has %d flows, in order: %t, want 2001, true", r.Len(), sortedByKey(r))
	}
	if older.Len() != 2000 || !sortedByKey(older) {
		t.Errorf("the older reading has %d flows, in order: %t, want 2000, true", older.Len(), sortedByKey(older))
	}
	if r := read(t, s, noon); r.Len() != 2001 || !sortedByKey(r) {
		t.Errorf("a reading after it has %d flows, in order: %t, want 2001, true", r.Len(), sortedByKey(r))
	}
}

// strange draws names that are beginnings of each other, with bytes below and above those of letters.
func strange() *rapid.Generator[string] {
	return rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{
		"a", "b", "application-", "\x00", "\x00\x00", "\x7f", "\u0080", "\U0010ffff", "é", "\"", "\\", "\n", "\x01\x02\x03\x04\x05\x06\x07",
	}), 1, 6), func(parts []string) string { return strings.Join(parts, "") })
}

// However many parts of a key there is room for beside the place of a row, what comes out is what a plain sort gives.
func TestSortingIsByTheBytesOfTheNames(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, name := New(Config{}, Deps{}), rapid.SampledFrom(rapid.SliceOfN(strange(), 1, 30).Draw(rt, "names"))
		records := rapid.SliceOfNDistinct(rapid.Custom(func(rt *rapid.T) flow.Record {
			return flow.Record{Key: flow.Key{SrcApp: name.Draw(rt, "src"), DestApp: name.Draw(rt, "dest"), VPCID: name.Draw(rt, "vpc")}}
		}), 1, 200, func(r flow.Record) flow.Key { return r.Key }).Draw(rt, "records")
		apply(t, s, batchOf(t, noon, dot(1, 1), records...))
		r := read(t, s, noon)
		want := make([]flow.Key, len(records))
		for i := range records {
			want[i] = records[i].Key
		}
		slices.SortFunc(want, flow.Key.Compare)
		room := places(rapid.IntRange(int(r.places()), 64-shardBits-5).Draw(rt, "bits of a row"))
		r.rows, r.order = r.sortWith(room), nil
		var got []flow.Key
		for record := range r.Records() {
			got = append(got, record.Key)
		}
		if !slices.Equal(got, want) {
			rt.Errorf("sorted with %d bits for a row:\n%q\nwant:\n%q", room, got, want)
		}
	})
}

func TestNamesAreSortedByTheirBytes(t *testing.T) {
	part := rapid.OneOf(strange(), rapid.SampledFrom([]string{"\x80", "\xff", "12345", "123456", "1234567", "12345678"}))
	name := rapid.Map(rapid.SliceOfN(part, 1, 4), func(parts []string) string { return strings.Join(parts, "") })
	rapid.Check(t, func(rt *rapid.T) {
		names := rapid.SliceOfDistinct(name, rapid.ID).Draw(rt, "names")
		want := slices.Sorted(slices.Values(names))
		var got []string
		for _, i := range sortedNames(names) {
			got = append(got, names[i])
		}
		if !slices.Equal(got, want) {
			rt.Errorf("sortedNames: %q, want %q", got, want)
		}
	})
}

func TestMergingIsSorting(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := New(Config{}, Deps{})
		names := rapid.SampledFrom([]string{"a", "aa", "ab", "b", "\"", "é"})
		records := rapid.SliceOfNDistinct(rapid.Custom(func(rt *rapid.T) flow.Record {
			return flow.Record{Key: flow.Key{SrcApp: names.Draw(rt, "src"), DestApp: names.Draw(rt, "dest"), VPCID: names.Draw(rt, "vpc")}}
		}), 1, 60, func(r flow.Record) flow.Key { return r.Key }).Draw(rt, "records")
		apply(t, s, batchOf(t, noon, dot(1, 1), records...))
		r := read(t, s, noon)
		r.Sort()
		var old, fresh []rowRef
		for i, ref := range r.rows {
			if rapid.Bool().Draw(rt, fmt.Sprint("row ", i, " is new")) {
				fresh = append(fresh, ref)
			} else {
				old = append(old, ref)
			}
		}
		fresh = rapid.Permutation(fresh).Draw(rt, "fresh")
		if got := r.merge(old, fresh); !slices.Equal(got, r.rows) {
			rt.Errorf("merge(%v, %v) = %v, want %v", old, fresh, got, r.rows)
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
		if got, _ := sortWords(words, make([]uint64, len(words)), above, width); !slices.Equal(got, want) {
			rt.Errorf("sorted by %d bits above %d: %x, want %x", width, above, got, want)
		}
	})
}
