package head

import (
	"net/http"
	"strings"
	"testing"
)

// FuzzMediaType checks the rule: parameters and case do not matter, and a type outside the list is refused.
func FuzzMediaType(f *testing.F) {
	for _, seed := range []string{"", JSON, "Application/JSON ; charset=x", "Text/CSV; header=present", "text/xml", ";", "application/json,text/xml"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got, err := mediaOf(http.Header{"Content-Type": {value}})
		gotAgain, again := mediaOf(http.Header{"Content-Type": {strings.ToUpper(value) + ";q=1"}})
		if isASCII(value) && ((err == nil) != (again == nil) || got != gotAgain) {
			t.Errorf("%q: %s, %v, but in capitals with a parameter: %s, %v", value, got, err, gotAgain, again)
		}
		media := strings.ToLower(value)
		if err == nil && (strings.HasPrefix(media, "application/xml") || strings.HasPrefix(media, "text/html")) {
			t.Errorf("%q is accepted", value)
		}
		if err != nil && (len(err.Error()) > 400 || !isASCII(err.Error())) {
			t.Errorf("%q is refused with a text that is long or not ASCII: %v", value, err)
		}
	})
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > '~' })
}
