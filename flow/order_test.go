package flow

import (
	"cmp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Whatever an order was made for, the words of any names are in the order of the names, and whole ones tell names apart.
func TestWordsAreInTheOrderOfTheNames(t *testing.T) {
	name := rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{
		"a", "b", "service-", "\x00", "\x7f", "\x80", "\xff", "\xff\xff\xff\xff\xff\xff\xff\xff", "1234567", "12345678",
	}), 0, 4), func(parts []string) string { return strings.Join(parts, "") })
	rapid.Check(t, func(rt *rapid.T) {
		o := NewOrder(rapid.SliceOfN(name, 0, 3).Draw(rt, "such")...)
		a, b := name.Draw(rt, "a"), name.Draw(rt, "b")
		v, w := o.Word(a), o.Word(b)
		if v != w && cmp.Compare(v, w) != strings.Compare(a, b) {
			rt.Errorf("Word(%q) = %x, Word(%q) = %x: they are in another order than the names", a, v, b, w)
		}
		if v == w && Whole(v) && a != b {
			rt.Errorf("Word(%q) = Word(%q) = %x, which is said to be whole", a, b, v)
		}
	})
}

func TestNamesThatBeginAlikeHaveWholeWords(t *testing.T) {
	o := NewOrder("service-001", "service-200", "service-")
	for _, name := range []string{"service-", "service-1", "service-1234567"} {
		if w := o.Word(name); !Whole(w) {
			t.Errorf("Word(%q) = %x, want a whole one", name, w)
		}
	}
}
