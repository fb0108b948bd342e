package idempotency

import (
	"strings"
	"testing"
)

func TestParseKey(t *testing.T) {
	long := strings.Repeat("k", maxKey)
	for _, tt := range []struct{ name, value, want string }{
		{"a bare key is itself", "abc-123", "abc-123"},
		{"a key in quotes is the same key", `"abc-123"`, "abc-123"},
		{"escapes are undone", `"a\"b\\c"`, `a"b\c`},
		{"a quote within a bare key is part of it", `a"b`, `a"b`},
		{"the longest bare key", long, long},
		{"the longest key in quotes", `"` + long + `"`, long},
	} {
		if got, err := parseKey(tt.value); got != tt.want || err != nil {
			t.Errorf("%s: parseKey(%q) = %q, %v, want %q", tt.name, tt.value, got, err, tt.want)
		}
	}
	for _, value := range []string{
		"", `""`, `"`, `"a`, `"a"b`, `"a";p=1`, `"a\n"`, `"a\`, `"a\"`,
		"a b", `"a b"`, "a\tb", "a\x7f", "é", `"é"`, "\x00", long + "k",
		`"` + long + `k"`, " a",
		"${HOST}-${UNIQID}", "{{.Host}}", "a-%{host}", "$(uuidgen)", `"x-{{ id }}"`, `"\"${x}"`,
	} {
		if got, err := parseKey(value); err == nil || got != "" {
			t.Errorf("parseKey(%q) = %q, want an error", value, got)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	for _, seed := range []string{"a", `"a"`, `"a\"b"`, `"\\"`, `"`, "", "a b", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		key, err := parseKey(value)
		if err != nil {
			if len(err.Error()) > 200 {
				t.Errorf("parseKey(%q) fails at length: %v", value, err)
			}
			return
		}
		if len(key) < 1 || len(key) > maxKey || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Errorf("parseKey(%q) = %q, which is no key", value, key)
		}
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(key) + `"`
		if again, err := parseKey(quoted); again != key || err != nil {
			t.Errorf("parseKey(%q) = %q, %v, want %q like the bare key", quoted, again, err, key)
		}
	})
}
