package condition

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"flowring/internal/contract"
)

func TestKnownTags(t *testing.T) {
	for _, tt := range []struct {
		name   string
		values []string
		want   []contract.Tag
	}{
		{"no header", nil, nil},
		{"a weak tag", []string{`W/"abc"`}, []contract.Tag{"abc"}},
		{"a strong tag is compared weakly", []string{`"abc"`}, []contract.Tag{"abc"}},
		{"several, in one header and in two", []string{`"a", W/"b"`, `"c"`}, []contract.Tag{"a", "b", "c"}},
		{"commas and spaces between them", []string{",, \"a\"\t,W/\"b\" , "}, []contract.Tag{"a", "b"}},
		{"a tag with a comma", []string{`"a,b","c"`}, []contract.Tag{"a,b", "c"}},
		{"any", []string{" * "}, []contract.Tag{contract.AnyTag}},
		{"a star among tags is not well formed", []string{`"a", *, "b"`}, []contract.Tag{"a"}},
		{"a tag that is a star means no other", []string{`"*"`}, nil},
		{"an empty tag", []string{`"", "a"`}, []contract.Tag{"a"}},
		{"a tag without quotes", []string{`abc, "a"`}, nil},
		{"a tag that does not end", []string{`"a", "abc`}, []contract.Tag{"a"}},
		{"w/ is not W/", []string{`w/"a"`}, nil},
		{"tags that cannot be ours", []string{`"a b", "` + strings.Repeat("x", 65) + `", "é", "y"`}, []contract.Tag{"y"}},
		{"more than are looked at", []string{strings.Repeat(`"a",`, 100)}, slices.Repeat([]contract.Tag{"a"}, maxKnown)},
	} {
		if got := KnownTags(http.Header{"If-None-Match": tt.values}); !slices.Equal(got, tt.want) {
			t.Errorf("%s: KnownTags(%q) = %q, want %q", tt.name, tt.values, got, tt.want)
		}
	}
}

func FuzzKnownTags(f *testing.F) {
	for _, seed := range []string{`W/"a", "b"`, "*", `"`, `W/`, `"a" "b"`, ",", `"*"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		known := KnownTags(http.Header{"If-None-Match": {value}})
		for _, tag := range known {
			if tag == contract.AnyTag && strings.TrimSpace(value) == string(contract.AnyTag) {
				continue
			}
			if !usable(tag) || !strings.Contains(value, `"`+string(tag)+`"`) {
				t.Errorf("KnownTags(%q) has %q", value, tag)
			}
		}
		if len(known) > maxKnown {
			t.Errorf("KnownTags(%q) has %d tags, want at most %d", value, len(known), maxKnown)
		}
	})
}
