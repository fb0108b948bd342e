package table

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"flowring/flow"
)

// sortedByKey reports whether the records of v are in order, each flow once.
func sortedByKey(v *View) bool {
	keys := make([]flow.Key, 0, v.Len())
	for record := range v.Records() {
		keys = append(keys, record.Key)
	}
	return len(keys) == v.Len() && slices.IsSortedFunc(keys, flow.Key.Compare) && len(slices.Compact(keys)) == v.Len()
}

// Flows that arrive between two views are merged into the sorted order, or all flows are sorted again. Both give one
// order.
func TestViewsAreSortedWhateverArrivesBetweenThem(t *testing.T) {
	for name, shares := range map[string][]int{
		"all at once":                {3000},
		"one by one":                 {1000, 1, 1, 1},
		"a few, then many":           {2000, 5, 900},
		"nothing in between":         {1000, 0, 3, 0},
		"none at first":              {0, 1, 700, 2},
		"the largest possible merge": {mergeShare * 4, 4},
	} {
		t.Run(name, func(t *testing.T) {
			table, keys := New(), someKeys(4000)
			for _, n := range shares {
				addKeys(t, table, keys[:n])
				keys = keys[n:]
				if v := viewOf(table); !sortedByKey(v) {
					t.Errorf("after %v flows, of which the last %d were new, the view of %d is not sorted", shares, n, v.Len())
				}
			}
		})
	}
}

// An older view may be sorted after a newer one, which has more flows.
func TestAnOlderViewIsSortedToo(t *testing.T) {
	table, keys := New(), someKeys(2001)
	addKeys(t, table, keys[:2000])
	older := viewOf(table)
	addKeys(t, table, keys[2000:])
	if v := viewOf(table); v.Len() != 2001 || !sortedByKey(v) {
		t.Errorf("the newer view has %d flows, sorted: %t, want 2001, true", v.Len(), sortedByKey(v))
	}
	if older.Len() != 2000 || !sortedByKey(older) {
		t.Errorf("the older view has %d flows, sorted: %t, want 2000, true", older.Len(), sortedByKey(older))
	}
	if v := viewOf(table); v.Len() != 2001 || !sortedByKey(v) {
		t.Errorf("a view after it has %d flows, sorted: %t, want 2001, true", v.Len(), sortedByKey(v))
	}
}

// Flows are sorted when there are new ones, not for each view.
func TestSortedOrderIsKept(t *testing.T) {
	table, keys := New(), someKeys(2)
	addKeys(t, table, keys[:1])
	first := viewOf(table)
	first.Sort()
	addKeys(t, table, keys[:1])
	second := viewOf(table)
	if second.Sort(); &first.rows[0] != &second.rows[0] {
		t.Error("the flows were sorted again although none is new")
	}
	addKeys(t, table, keys)
	if third := viewOf(table); third.Len() != 2 || !sortedByKey(third) {
		t.Errorf("Len() = %d, sorted: %t, want 2, true", third.Len(), sortedByKey(third))
	}
}

// strange draws names, some of which are prefixes of others, with bytes below and above the letters.
func strange() *rapid.Generator[string] {
	return rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{
		"a", "b", "application-", "\x00", "\x00\x00", "\x7f", "\u0080", "\U0010ffff", "é", "\"", "\\", "\n", "\x01\x02\x03\x04\x05\x06\x07",
	}), 1, 6), func(parts []string) string { return strings.Join(parts, "") })
}

// The result is that of a plain sort, for any number of parts of a key that fit into a word beside the position of
// the row.
func TestSortingIsByTheBytesOfTheNames(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		table, name := New(), rapid.SampledFrom(rapid.SliceOfN(strange(), 1, 30).Draw(rt, "names"))
		records := rapid.SliceOfNDistinct(rapid.Custom(func(rt *rapid.T) flow.Record {
			return flow.Record{Key: flow.Key{SrcApp: name.Draw(rt, "src"), DestApp: name.Draw(rt, "dest"), VPCID: name.Draw(rt, "vpc")}}
		}), 1, 200, func(r flow.Record) flow.Key { return r.Key }).Draw(rt, "records")
		addRecords(t, table, records)
		v := viewOf(table)
		want := make([]flow.Key, len(records))
		for i := range records {
			want[i] = records[i].Key
		}
		slices.SortFunc(want, flow.Key.Compare)
		layout := wordLayout(rapid.IntRange(int(v.layout()), 64-shardBits-5).Draw(rt, "bits of a row"))
		v.rows, v.order = v.sortWith(layout), nil
		var got []flow.Key
		for record := range v.Records() {
			got = append(got, record.Key)
		}
		if !slices.Equal(got, want) {
			rt.Errorf("sorted with %d bits for a row:\n%q\nwant:\n%q", layout, got, want)
		}
	})
}

func TestMergingIsSorting(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		table := New()
		names := rapid.SampledFrom([]string{"a", "aa", "ab", "b", "\"", "é"})
		records := rapid.SliceOfNDistinct(rapid.Custom(func(rt *rapid.T) flow.Record {
			return flow.Record{Key: flow.Key{SrcApp: names.Draw(rt, "src"), DestApp: names.Draw(rt, "dest"), VPCID: names.Draw(rt, "vpc")}}
		}), 1, 60, func(r flow.Record) flow.Key { return r.Key }).Draw(rt, "records")
		addRecords(t, table, records)
		v := viewOf(table)
		v.Sort()
		var old, added []rowRef
		for i, ref := range v.rows {
			if rapid.Bool().Draw(rt, fmt.Sprint("row ", i, " is new")) {
				added = append(added, ref)
			} else {
				old = append(old, ref)
			}
		}
		added = rapid.Permutation(added).Draw(rt, "added")
		if got := v.merge(old, added); !slices.Equal(got, v.rows) {
			rt.Errorf("merge(%v, %v) = %v, want %v", old, added, got, v.rows)
		}
	})
}
