package accept

import (
	"slices"
	"strings"
	"testing"
)

func TestMediaFollowsTheWeightsOfTheClient(t *testing.T) {
	const refused = ""
	for _, tt := range []struct {
		name  string
		lines []string
		want  string
	}{
		{"no header", nil, "application/json"},
		{"an empty header", []string{""}, "application/json"},
		{"the header of curl", []string{"*/*"}, "application/json"},
		{"the header of browsers", []string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, "application/json"},
		{"CSV", []string{"text/csv"}, "text/csv"},
		{"CSV in capitals, with parameters", []string{"TEXT/CSV; charset=utf-8; header=present"}, "text/csv"},
		{"a text", []string{"text/*"}, "text/csv"},
		{"the order does not matter", []string{"text/csv, application/json"}, "application/json"},
		{"a greater weight", []string{"application/json;q=0.5, text/csv;q=0.501"}, "text/csv"},
		{"a name before a pattern", []string{"application/json;q=0.1, application/*, text/csv;q=0.5"}, "application/x-ndjson"},
		{"a pattern with a greater weight", []string{"text/csv;q=0.5, */*;q=0.8"}, "application/json"},
		{"all but JSON", []string{"*/*, application/json;q=0"}, "application/x-ndjson"},
		{"in two lines", []string{"text/html", "text/csv"}, "text/csv"},
		{"with empty elements", []string{", text/csv,,"}, "text/csv"},
		{"beside a malformed element", []string{"text/csv;q=x, application/x-ndjson;q=0.1"}, "application/x-ndjson"},
		{"none of the offers", []string{"text/html"}, refused},
		{"weight 0", []string{"text/csv;q=0, */*;q=0.000"}, refused},
	} {
		got, ok := Media(tt.lines, "application/json", "application/x-ndjson", "text/csv")
		if got != tt.want || ok != (tt.want != refused) {
			t.Errorf("%s: Media(%q) = %q, %t, want %q", tt.name, tt.lines, got, ok, tt.want)
		}
	}
}

// For any header, the answer is one of the offers, and only if the client names it or a pattern for it.
func FuzzMedia(f *testing.F) {
	for _, seed := range []string{"text/csv", "*/*;q=0.1,text/csv;q=0", ";q=1", "text/*;q=0.9999", "application/json;a=b;q=1"} {
		f.Add(seed)
	}
	offers := []string{"application/json", "application/x-ndjson", "text/csv"}
	f.Fuzz(func(t *testing.T, header string) {
		got, ok := Media([]string{header}, offers...)
		if ok != slices.Contains(offers, got) {
			t.Fatalf("Media(%q) = %q, %t", header, got, ok)
		}
		named := strings.Contains(strings.ToLower(header), got) || strings.Contains(header, "*") || strings.TrimSpace(header) == ""
		if ok && !named {
			t.Errorf("Media(%q) = %q, which is not named", header, got)
		}
		for e := range Elements([]string{header}) {
			if e.Weight < 0 || e.Weight > MaxWeight || e.Name == "" {
				t.Errorf("Elements(%q) has %+v", header, e)
			}
		}
	})
}
