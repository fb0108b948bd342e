package coding

import (
	"net/http"
	"strings"

	"flowring/internal/contract"
)

// Coding is a content coding, by its name in headers.
type Coding string

// The codings.
const (
	Identity Coding = ""
	Gzip     Coding = "gzip"
	Zstd     Coding = "zstd"
	Deflate  Coding = "deflate" // of bodies only: answers are never sent so

	// Supported lists the codings of bodies.
	Supported = "gzip, zstd, deflate, identity"
)

// OfBody returns the coding declared by the headers of a request. It refuses two codings on top of each other, because
// a client uses them only to make a small body expand twice.
func OfBody(h http.Header) (c Coding, ok bool) {
	found := Identity
	for name := range strings.SplitSeq(strings.Join(h.Values("Content-Encoding"), ","), ",") {
		c, known := named(name)
		if !known || c != Identity && found != Identity {
			return Identity, false
		}
		if c != Identity {
			found = c
		}
	}
	return found, true
}

// named returns the coding with a name as registered by IANA, in any case.
func named(name string) (c Coding, known bool) {
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "", "identity":
		return Identity, true
	case "gzip", "x-gzip":
		return Gzip, true
	case "zstd":
		return Zstd, true
	case "deflate":
		return Deflate, true
	}
	return Identity, false
}

// TooLarge refuses a body of more than limit bytes, as received or as decompressed.
func TooLarge(name string, limit int64) error {
	return contract.TooLarge.Errorf("%s is larger than %d bytes", name, limit)
}
