package prefix

import (
	"cmp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Prefixes sort like the names, whichever names the Prefixer was made for, and an exact prefix identifies its name.
func TestPrefixesSortLikeTheNames(t *testing.T) {
	name := rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{
		"a", "b", "service-", "\x00", "\x7f", "\x80", "\xff", "\xff\xff\xff\xff\xff\xff\xff\xff", "1234567", "12345678",
	}), 0, 4), func(parts []string) string { return strings.Join(parts, "") })
	rapid.Check(t, func(rt *rapid.T) {
		p := New(rapid.SliceOfN(name, 0, 3).Draw(rt, "names")...)
		a, b := name.Draw(rt, "a"), name.Draw(rt, "b")
		v, w := p.Prefix(a), p.Prefix(b)
		if v != w && cmp.Compare(v, w) != strings.Compare(a, b) {
			rt.Errorf("Prefix(%q) = %x, Prefix(%q) = %x: they do not sort like the names", a, v, b, w)
		}
		if v == w && IsExact(v) && a != b {
			rt.Errorf("Prefix(%q) = Prefix(%q) = %x, but IsExact reports true", a, b, v)
		}
	})
}

func TestNamesWithACommonBeginningHaveExactPrefixes(t *testing.T) {
	p := New("service-001", "service-200", "service-")
	for _, name := range []string{"service-", "service-1", "service-1234567"} {
		if w := p.Prefix(name); !IsExact(w) {
			t.Errorf("Prefix(%q) = %x, want an exact one", name, w)
		}
	}
}
