package answer

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/store/digest"
)

// Two tags are equal exactly if the sets of batches are equal, whatever the order of arrival.
func TestATagNamesASetOfBatches(t *testing.T) {
	dots := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) flow.Dot {
		return flow.Dot{Origin: rapid.Uint64Range(1, 3).Draw(rt, "origin"), Seq: rapid.Uint64Range(1, 4).Draw(rt, "seq")}
	}), 0, 12)
	slice := flow.Slice{Hour: 20}
	rapid.Check(t, func(rt *rapid.T) {
		one := dots.Draw(rt, "one")
		a, b := digest.Of(one...), digest.Of(dots.Draw(rt, "other")...)
		if same := tagOf(slice, a) == tagOf(slice, b); same != a.Equal(b) {
			rt.Errorf("the tags of %v and %v are the same: %t, want %t", a, b, same, a.Equal(b))
		}
		again := digest.Of(rapid.Permutation(append(one, one...)).Draw(rt, "again")...)
		if tagOf(slice, a) != tagOf(slice, again) {
			rt.Errorf("the tag of %v depends on the order in which it came", a)
		}
	})
}

func TestTagsOfDifferentSlicesDiffer(t *testing.T) {
	seen := map[contract.Tag]string{}
	note := func(tag contract.Tag, of string) {
		if other, ok := seen[tag]; ok || len(tag) != 22 {
			t.Errorf("the tag of %s is %q, want 22 characters other than those of %s", of, tag, other)
		}
		seen[tag] = of
	}
	d := digest.Of(flow.Dot{Origin: 1, Seq: 1})
	var merged mergedAnswer
	for hour := range flow.Hour(3) {
		for index := range uint32(3) {
			s := flow.Slice{Hour: hour, Index: index}
			note(tagOf(s, d), s.String())
			note(tagOf(s, digest.Digest{}), "empty "+s.String())
			merged.slices = append(merged.slices, &localAnswer{tag: tagOf(s, d)})
			note(merged.Tag(), fmt.Sprint("an hour of ", len(merged.slices), " slices"))
		}
	}
	merged.slices[4] = &localAnswer{tag: tagOf(flow.Slice{Hour: 1, Index: 1}, digest.Digest{})}
	note(merged.Tag(), "an hour of which one slice differs")
	merged.slices[4] = &localAnswer{}
	if tag := merged.Tag(); tag != "" {
		t.Errorf("the tag of an hour is %q where one slice has none, want none", tag)
	}
}
