package coding

import (
	"net/http"
	"strings"
	"testing"
)

func TestAcceptedCoding(t *testing.T) {
	for _, tt := range []struct {
		name   string
		values []string
		want   Coding
	}{
		{"no header", nil, Identity},
		{"an empty header", []string{""}, Identity},
		{"gzip", []string{"gzip"}, Gzip},
		{"zstd", []string{"zstd"}, Zstd},
		{"the header of curl --compressed", []string{"deflate, gzip, br, zstd"}, Zstd},
		{"the header of browsers", []string{"gzip, deflate, br"}, Gzip},
		{"in two headers", []string{"br", "gzip"}, Gzip},
		{"in capitals, with spaces", []string{" GZIP ; Q=0.5 "}, Gzip},
		{"the old name", []string{"x-gzip"}, Gzip},
		{"more weight", []string{"zstd;q=0.5, gzip;q=0.501"}, Gzip},
		{"the same weight", []string{"gzip;q=0.5, zstd;q=0.5"}, Zstd},
		{"identity by weight", []string{"gzip;q=0.5, identity"}, Identity},
		{"identity among equals", []string{"identity, gzip"}, Gzip},
		{"refused by name", []string{"gzip;q=0, *;q=0.1"}, Zstd},
		{"all refused", []string{"*;q=0"}, Identity},
		{"identity refused, and nothing else named", []string{"identity;q=0"}, Identity},
		{"anything", []string{"*"}, Zstd},
		{"anything but zstd", []string{"zstd;q=0, *"}, Gzip},
		{"others alone", []string{"br, deflate, compress"}, Identity},
		{"weight 0.000", []string{"gzip;q=0.000"}, Identity},
		{"weight 1.000", []string{"gzip;q=1.000, identity;q=0.999"}, Gzip},
		{"weight without decimals behind the point", []string{"gzip;q=1."}, Gzip},
		{"a weight over 1", []string{"gzip;q=1.001"}, Identity},
		{"a weight with too many decimals", []string{"gzip;q=0.1234"}, Identity},
		{"an invalid weight", []string{"gzip;q=x, zstd;q=, gzip;level=9"}, Identity},
		{"a bad weight beside a good one", []string{"gzip;q=-1, zstd;q=0.1"}, Zstd},
		{"the last weight counts", []string{"gzip, gzip;q=0"}, Identity},
		{"only commas", []string{",,;,"}, Identity},
	} {
		if got := Accepted(http.Header{"Accept-Encoding": tt.values}); got != tt.want {
			t.Errorf("%s: Accepted(%q) = %q, want %q", tt.name, tt.values, got, tt.want)
		}
	}
}

// For any header, a coding is used only if the client names it or sends *.
func FuzzAccepted(f *testing.F) {
	for _, seed := range []string{"gzip, zstd;q=0.5", "*;q=0.1,gzip;q=0", ";q=1", "gzip;q=0.9999", "x-gzip", "identity;q=1,*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		c := Accepted(http.Header{"Accept-Encoding": {value}})
		if again := Accepted(http.Header{"Accept-Encoding": {" ," + strings.ToUpper(value)}}); isASCII(value) && again != c {
			t.Errorf("Accepted(%q) = %q, in capitals %q", value, c, again)
		}
		if c != Identity && !strings.Contains(strings.ToLower(value), string(c)) && !strings.Contains(value, "*") {
			t.Errorf("Accepted(%q) = %q, which is not named", value, c)
		}
	})
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > '~' })
}
