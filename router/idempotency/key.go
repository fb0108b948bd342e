package idempotency

import (
	"net/http"
	"strings"

	"flowring/internal/contract"
)

// maxKey is the longest Idempotency-Key, in bytes, without quotes and escapes.
const maxKey = 255

// keyError returns the refusal of a key. The text continues "the Idempotency-Key".
func keyError(format string, args ...any) error {
	return contract.IdempotencyKey.Errorf("the Idempotency-Key "+format, args...)
}

// Key returns the key of the request, or "" if the request has no key.
func Key(h http.Header) (string, error) {
	values := h.Values("Idempotency-Key")
	switch len(values) {
	case 0:
		return "", nil
	case 1:
		return parseKey(values[0])
	default:
		return "", keyError("is given %d times", len(values))
	}
}

// parseKey reads a key: bare, or as a string of RFC 8941, as draft-ietf-httpapi-idempotency-key-header requires. Both
// forms are the same key.
func parseKey(value string) (string, error) {
	key := value
	if strings.HasPrefix(value, `"`) {
		var err error
		if key, err = unquote(value); err != nil {
			return "", err
		}
	}
	if len(key) < 1 || len(key) > maxKey {
		return "", keyError("has %d bytes, want 1 to %d", len(key), maxKey)
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return "", keyError("has the byte 0x%02x at position %d, want visible ASCII", key[i], i)
		}
	}
	if err := checkExpanded(key); err != nil {
		return "", err
	}
	return key, nil
}

// placeholders are the beginnings of placeholders in the template languages of senders. Without
// expansion all requests of a sender would have one key. All of them but the first would then be refused, or pass for
// repetitions.
var placeholders = [...]string{"${", "{{", "%{", "$("}

// checkExpanded refuses a key with a placeholder.
func checkExpanded(key string) error {
	for _, p := range placeholders {
		if strings.Contains(key, p) {
			return keyError("is a template that was not expanded: it holds %s", p)
		}
	}
	return nil
}

// unquote removes the quotes and the two escapes, \" and \\, of a string of RFC 8941.
func unquote(s string) (string, error) {
	var key strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' && i == len(s)-1:
			return key.String(), nil
		case c == '"':
			return "", keyError("goes on after its closing quote")
		case c == '\\':
			i++
			if i == len(s) || s[i] != '"' && s[i] != '\\' {
				return "", keyError(`has a backslash before something other than " or \`)
			}
			key.WriteByte(s[i])
		default:
			key.WriteByte(c)
		}
	}
	return "", keyError("has no closing quote")
}
