package router

import (
	"net/http"
	"strings"
	"testing"
)

func TestAcceptedCoding(t *testing.T) {
	for _, tt := range []struct {
		name   string
		values []string
		want   coding
	}{
		{"no header", nil, identity},
		{"an empty header", []string{""}, identity},
		{"gzip", []string{"gzip"}, gzipped},
		{"zstd", []string{"zstd"}, zstded},
		{"what curl --compressed says", []string{"deflate, gzip, br, zstd"}, zstded},
		{"what browsers say", []string{"gzip, deflate, br"}, gzipped},
		{"in two headers", []string{"br", "gzip"}, gzipped},
		{"in capitals, with spaces", []string{" GZIP ; Q=0.5 "}, gzipped},
		{"the old name", []string{"x-gzip"}, gzipped},
		{"more weight", []string{"zstd;q=0.5, gzip;q=0.501"}, gzipped},
		{"the same weight", []string{"gzip;q=0.5, zstd;q=0.5"}, zstded},
		{"identity by weight", []string{"gzip;q=0.5, identity"}, identity},
		{"identity among equals", []string{"identity, gzip"}, gzipped},
		{"refused by name", []string{"gzip;q=0, *;q=0.1"}, zstded},
		{"all refused", []string{"*;q=0"}, identity},
		{"identity refused, and nothing else named", []string{"identity;q=0"}, identity},
		{"anything", []string{"*"}, zstded},
		{"anything but zstd", []string{"zstd;q=0, *"}, gzipped},
		{"others alone", []string{"br, deflate, compress"}, identity},
		{"weight 0.000", []string{"gzip;q=0.000"}, identity},
		{"weight 1.000", []string{"gzip;q=1.000, identity;q=0.999"}, gzipped},
		{"weight without decimals behind the point", []string{"gzip;q=1."}, gzipped},
		{"a weight over 1", []string{"gzip;q=1.001"}, identity},
		{"a weight with too many decimals", []string{"gzip;q=0.1234"}, identity},
		{"a weight that is none", []string{"gzip;q=x, zstd;q=, gzip;level=9"}, identity},
		{"a bad weight beside a good one", []string{"gzip;q=-1, zstd;q=0.1"}, zstded},
		{"the last weight counts", []string{"gzip, gzip;q=0"}, identity},
		{"only commas", []string{",,;,"}, identity},
	} {
		if got := acceptedCoding(http.Header{"Accept-Encoding": tt.values}); got != tt.want {
			t.Errorf("%s: acceptedCoding(%q) = %q, want %q", tt.name, tt.values, got, tt.want)
		}
	}
}

// Whatever is sent, a coding is used only if the client names it or says *.
func FuzzAcceptedCoding(f *testing.F) {
	for _, seed := range []string{"gzip, zstd;q=0.5", "*;q=0.1,gzip;q=0", ";q=1", "gzip;q=0.9999", "x-gzip", "identity;q=1,*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		c := acceptedCoding(http.Header{"Accept-Encoding": {value}})
		if again := acceptedCoding(http.Header{"Accept-Encoding": {" ," + strings.ToUpper(value)}}); isASCII(value) && again != c {
			t.Errorf("acceptedCoding(%q) = %q, in capitals %q", value, c, again)
		}
		if c != identity && !strings.Contains(strings.ToLower(value), string(c)) && !strings.Contains(value, "*") {
			t.Errorf("acceptedCoding(%q) = %q, which is not named", value, c)
		}
	})
}
