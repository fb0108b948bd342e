package router

import (
	"net/http"
	"strings"

	"flowring/internal/contract"
	"flowring/router/coding"
	"flowring/router/parameter"
)

const (
	mediaJSON    = "application/json"
	mediaLines   = "application/x-ndjson"
	mediaCSV     = "text/csv"
	mediaProblem = "application/problem+json"
)

// acceptedMedia lists the media types of records.
const acceptedMedia = mediaJSON + ", " + mediaLines + ", " + mediaCSV

// bodyMedia returns the media type of a body: CSV if the header declares it, and JSON for each type in use for JSON
// in practice. The decoder then decides whether the body is JSON. The type of a plain `curl -d` is one of them.
// Any other type is refused.
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
	return contract.MediaType.Errorf("the Content-Type is %s, want one of %s", parameter.Quoted(value), acceptedMedia)
}

// bodyCoding returns the content coding of a body.
func bodyCoding(h http.Header) (coding.Coding, error) {
	c, ok := coding.OfBody(h)
	if !ok {
		declared := strings.Join(h.Values("Content-Encoding"), ",")
		return c, contract.ContentEncoding.Errorf("the Content-Encoding is %s, want one of %s",
			parameter.Quoted(declared), coding.Supported)
	}
	return c, nil
}
