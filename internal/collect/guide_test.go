package collect

import (
	"regexp"
	"slices"
	"testing"
)

// matches returns the first groups of a pattern, sorted, each once.
func matches(text, pattern string) (all []string) {
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func compare(t *testing.T, what string, have, documented []string) {
	t.Helper()
	if len(have) < 5 {
		t.Errorf("%s are not found: %q", what, have)
	}
	if !slices.Equal(have, documented) {
		t.Errorf("%s: the program has\n%q\nthe guide has\n%q", what, have, documented)
	}
}
