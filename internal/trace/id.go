package trace

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"strings"
)

// Header is the header with the ID of a request, in answers to clients and in calls between nodes. Its spelling is the
// canonical one.
const Header = "Flowring-Request-Id"

// parent is the header of W3C Trace Context, in canonical spelling.
const parent = "Traceparent"

// ID names one request. The zero value names none.
type ID [16]byte

// New returns a random ID.
func New() (id ID) {
	for id.IsZero() {
		binary.NativeEndian.PutUint64(id[:8], rand.Uint64())
		binary.NativeEndian.PutUint64(id[8:], rand.Uint64())
	}
	return id
}

// Enter gives a request of a client its ID: the trace ID of its traceparent, or a random one. Two headers, or a header
// in another form, count as none. The header of the answer gets the ID, and the context of the result has it.
func Enter(answer http.Header, r *http.Request) *http.Request {
	id := ofRequest(r.Header)
	c := traceOne(r.Context(), id)
	c.text[0] = id.String()
	answer[Header] = c.text[:]
	return r.WithContext(c)
}

func ofRequest(h http.Header) ID {
	if values := h[parent]; len(values) == 1 {
		if id, ok := ParseParent(values[0]); ok {
			return id
		}
	}
	return New()
}

// OfCall returns the ID in a call of another node. It is zero for a call that belongs to no request.
func OfCall(h http.Header) ID {
	if values := h[Header]; len(values) == 1 {
		id, _ := ParseID(values[0])
		return id
	}
	return ID{}
}

// Set sets Header. The zero ID sets nothing.
func (id ID) Set(h http.Header) {
	if !id.IsZero() {
		h[Header] = []string{id.String()}
	}
}

// IsZero reports whether the ID names no request.
func (id ID) IsZero() bool { return id == ID{} }

// String returns 32 lower-case hexadecimal digits.
func (id ID) String() string {
	var text [2 * len(id)]byte
	hex.Encode(text[:], id[:])
	return string(text[:])
}

// ParseID reads the result of String. The zero ID is not valid.
func ParseID(text string) (id ID, ok bool) {
	if len(text) != 2*len(id) || !isLowerHex(text) {
		return ID{}, false
	}
	_, err := hex.Decode(id[:], []byte(text))
	return id, err == nil && !id.IsZero()
}

// ParseParent returns the trace ID of a traceparent: version-traceid-parentid-flags. A later version may add fields
// behind the flags, and ff is no version.
func ParseParent(text string) (id ID, ok bool) {
	const length = len("00-00000000000000000000000000000000-0000000000000000-00")
	if len(text) < length || text[2] != '-' || text[35] != '-' || text[52] != '-' {
		return ID{}, false
	}
	version, span, flags, later := text[:2], text[36:52], text[53:length], text[length:]
	switch {
	case !isLowerHex(version), version == "ff", !isLowerHex(span), strings.Trim(span, "0") == "", !isLowerHex(flags):
		return ID{}, false
	case later != "" && (version == "00" || later[0] != '-'):
		return ID{}, false
	}
	return ParseID(text[3:35])
}

func isLowerHex(text string) bool {
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
