package coding

import (
	"net/http"
	"strings"
	"testing"
)

func FuzzOfBody(f *testing.F) {
	for _, seed := range []string{"", "gzip", "zstd, identity", "gzip,gzip", "br", ",", "GZIP", "deflate"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		c, ok := OfBody(http.Header{"Content-Encoding": {value}})
		if !ok {
			return
		}
		lower := strings.ToLower(value)
		if n := strings.Count(lower, "gzip") + strings.Count(lower, "zstd") + strings.Count(lower, "deflate"); n > 1 || (n == 1) != (c != Identity) {
			t.Errorf("OfBody(%q) = %q, with %d codings in it", value, c, n)
		}
	})
}
