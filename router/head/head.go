package head

import (
	"net/http"
	"strings"

	"flowring/internal/contract"
	"flowring/router/coding"
	"flowring/router/idempotency"
	"flowring/router/parameter"
)

// The media types of records.
const (
	JSON  = "application/json"
	Lines = "application/x-ndjson"
	CSV   = "text/csv"
	Proto = "application/x-protobuf"
)

// Accepted lists the media types of records.
const Accepted = JSON + ", " + Lines + ", " + CSV + ", " + Proto

// Head is the part of a POST that precedes its body.
type Head struct {
	Key    string        // "": none
	Media  string        // JSON, CSV or Proto
	Coding coding.Coding // of the body

	Lenient bool // records that are not valid by themselves are set aside
}

// Of returns the head of a request. It refuses a body that is announced as longer than maxBody bytes.
func Of(r *http.Request, maxBody int64) (h Head, err error) {
	if h.Key, err = idempotency.Key(r.Header); err != nil {
		return h, err
	}
	if h.Media, err = mediaOf(r.Header); err != nil {
		return h, err
	}
	h.Lenient = lenient(r.Header)
	h.Coding, err = bodyOf(r, maxBody)
	return h, err
}

// Lenient is the preference of a client for a lenient reading of its records (RFC 7240, section 4.4).
const Lenient = "handling=lenient"

// lenient reports whether a client has the preference. The first handling counts, as RFC 7240 says, and others are
// ignored.
func lenient(h http.Header) bool {
	for preference := range strings.SplitSeq(strings.Join(h.Values("Prefer"), ","), ",") {
		preference, _, _ = strings.Cut(preference, ";")
		name, value, _ := strings.Cut(preference, "=")
		if strings.EqualFold(strings.TrimSpace(name), "handling") {
			return strings.EqualFold(strings.Trim(strings.TrimSpace(value), `"`), "lenient")
		}
	}
	return false
}

// OfAny is Of for a body of any media type, because the preset of its path has the form. Media is empty.
func OfAny(r *http.Request, maxBody int64) (h Head, err error) {
	if h.Key, err = idempotency.Key(r.Header); err != nil {
		return h, err
	}
	h.Coding, err = bodyOf(r, maxBody)
	return h, err
}

// mediaOf returns the media type of a body: CSV or Proto if the header declares it, and JSON for each type in use for
// JSON in practice. The decoder then decides whether the body is JSON. The type of a plain `curl -d` is one of them.
// Any other type is refused.
func mediaOf(h http.Header) (media string, err error) {
	values := h.Values("Content-Type")
	if len(values) > 1 {
		return "", mediaError(strings.Join(values, ", "))
	}
	value := h.Get("Content-Type")
	name, _, _ := strings.Cut(value, ";")
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "", JSON, Lines, "text/plain", "application/x-www-form-urlencoded", "application/octet-stream":
		return JSON, nil
	case CSV:
		return CSV, nil
	case Proto, "application/protobuf":
		return Proto, nil
	}
	return "", mediaError(value)
}

func mediaError(value string) error {
	return contract.MediaType.Errorf("the Content-Type is %s, want one of %s", parameter.Quoted(value), Accepted)
}

// bodyOf returns the content coding of a body, whose announced length it checks.
func bodyOf(r *http.Request, maxBody int64) (coding.Coding, error) {
	c, ok := coding.OfBody(r.Header)
	if !ok {
		declared := strings.Join(r.Header.Values("Content-Encoding"), ",")
		return c, contract.ContentEncoding.Errorf("the Content-Encoding is %s, want one of %s",
			parameter.Quoted(declared), coding.Supported)
	}
	if r.ContentLength > maxBody {
		return c, coding.TooLarge("the body", maxBody)
	}
	return c, nil
}
