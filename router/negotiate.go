package router

import (
	"net/http"
	"strings"

	"flowring/internal/contract"
)

const (
	mediaJSON    = "application/json"
	mediaLines   = "application/x-ndjson"
	mediaCSV     = "text/csv"
	mediaProblem = "application/problem+json"
)

// acceptedMedia lists the types to send records as.
const acceptedMedia = mediaJSON + ", " + mediaLines + ", " + mediaCSV

// bodyMedia returns the media type of a body: CSV where the header says so, and JSON for each type under which JSON is sent in practice;
// the bytes decide whether it is. The type that a plain `curl -d` declares is among them, a type that contradicts JSON is not.
func bodyMedia(h http.Header) (media string, err error) {
	values := h.Values("Content-Type")
	if len(values) > 1 {
		return "", mediaError(strings.Join(values, ", "))
	}
	value := h.Get("Content-Type")
	name, _, _ := strings.Cut(value, ";")
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "", mediaJSON, mediaLines, "text/plain", "application/x-www-form-urlencoded", "application/octet-stream":
		return mediaJSON, nil
	case mediaCSV:
		return mediaCSV, nil
	}
	return "", mediaError(value)
}

func mediaError(value string) error {
	return contract.MediaType.Errorf("the Content-Type is %s, want one of %s", quoted(value), acceptedMedia)
}

// coding is how a body is compressed.
type coding string

const (
	identity coding = ""
	gzipped  coding = "gzip"
	zstded   coding = "zstd"
	deflated coding = "deflate" // of bodies alone: answers are never sent so

	acceptedCodings = "gzip, zstd, deflate, identity"
)

// contentCoding returns the coding that the headers declare. Two codings on top of each other are refused: no client has a
// use for them but to make a small body expand twice.
func contentCoding(h http.Header) (coding, error) {
	all := strings.Join(h.Values("Content-Encoding"), ",")
	found := identity
	for name := range strings.SplitSeq(all, ",") {
		c, known := codingNamed(name)
		if !known || c != identity && found != identity {
			return "", contract.ContentEncoding.Errorf("the Content-Encoding is %s, want one of %s", quoted(all), acceptedCodings)
		}
		if c != identity {
			found = c
		}
	}
	return found, nil
}

// codingNamed returns the coding with a name as registered by IANA, in any case.
func codingNamed(name string) (c coding, known bool) {
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "", "identity":
		return identity, true
	case "gzip", "x-gzip":
		return gzipped, true
	case "zstd":
		return zstded, true
	case "deflate":
		return deflated, true
	}
	return "", false
}
