package router

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// maxKey is the longest Idempotency-Key, in bytes, without quotes and escapes.
const maxKey = 255

// keyError says what is wrong with the Idempotency-Key header.
type keyError struct{ reason string }

func (e *keyError) Error() string { return "the Idempotency-Key " + e.reason }

// idempotencyKey returns the key that the request carries, or "" when it carries none.
func idempotencyKey(h http.Header) (string, error) {
	values := h.Values("Idempotency-Key")
	switch len(values) {
	case 0:
		return "", nil
	case 1:
		return parseKey(values[0])
	default:
		return "", &keyError{fmt.Sprintf("is given %d times", len(values))}
	}
}

// parseKey reads a key: bare, or as the string of RFC 8941 that draft-ietf-httpapi-idempotency-key-header asks for. Both ways
// of writing a key are the same key.
func parseKey(value string) (string, error) {
	key := value
	if strings.HasPrefix(value, `"`) {
		var err error
		if key, err = unquote(value); err != nil {
			return "", &keyError{err.Error()}
		}
	}
	if len(key) < 1 || len(key) > maxKey {
		return "", &keyError{fmt.Sprintf("has %d bytes, want 1 to %d", len(key), maxKey)}
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return "", &keyError{fmt.Sprintf("has the byte 0x%02x at position %d, want visible ASCII", key[i], i)}
		}
	}
	if err := checkExpanded(key); err != nil {
		return "", err
	}
	return key, nil
}

// placeholders begin what senders put in for a value, each in its own language. A sender that does not expand them in a header sends
// every request with one key, so that all but the first are refused, or pass for repetitions.
var placeholders = [...]string{"${", "{{", "%{", "$("}

// checkExpanded refuses a key that holds a placeholder.
func checkExpanded(key string) error {
	for _, p := range placeholders {
		if strings.Contains(key, p) {
			return &keyError{"is a template not expanded: it holds " + p}
		}
	}
	return nil
}

// unquote undoes the quotes and the two escapes, \" and \\, of an RFC 8941 string.
func unquote(s string) (string, error) {
	var key strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' && i == len(s)-1:
			return key.String(), nil
		case c == '"':
			return "", errors.New("goes on after its closing quote")
		case c == '\\':
			i++
			if i == len(s) || s[i] != '"' && s[i] != '\\' {
				return "", errors.New(`has a backslash before something other than " or \`)
			}
			key.WriteByte(s[i])
		default:
			key.WriteByte(c)
		}
	}
	return "", errors.New("has no closing quote")
}
