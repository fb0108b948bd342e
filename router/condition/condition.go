package condition

import (
	"net/http"
	"strings"

	"flowring/internal/contract"
)

// Limits on the tags of a request. The tags of this program are short.
const (
	maxKnown  = 16 // the first tags are read, the others ignored
	maxTagLen = 64 // bytes; longer tags are ignored
)

// KnownTags returns the tags of the answers known to the client, from If-None-Match (RFC 9110, section 13.1.2).
// Tags are compared weakly, so W/ makes no difference. A malformed part ends the list: the client then gets the
// whole answer.
func KnownTags(h http.Header) []contract.Tag {
	list := strings.Join(h.Values("If-None-Match"), ",")
	if strings.TrimSpace(list) == string(contract.AnyTag) {
		return []contract.Tag{contract.AnyTag}
	}
	var known []contract.Tag
	for len(known) < maxKnown {
		list = strings.TrimPrefix(strings.TrimLeft(list, ", \t"), "W/")
		if !strings.HasPrefix(list, `"`) {
			break
		}
		tag, rest, closed := strings.Cut(list[1:], `"`)
		if !closed {
			break
		}
		if t := contract.Tag(tag); usable(t) {
			known = append(known, t)
		}
		list = rest
	}
	return known
}

// usable reports whether a tag can be a tag of this program. A quoted AnyTag is not.
func usable(tag contract.Tag) bool {
	strange := func(r rune) bool { return r <= ' ' || r > '~' }
	return tag != "" && tag != contract.AnyTag && len(tag) <= maxTagLen && !strings.ContainsFunc(string(tag), strange)
}

// EntityTag returns the header value of a tag. The tag is weak, because all compressed forms of an answer have the same
// tag, and their bytes depend on the compressing node.
func EntityTag(tag contract.Tag) string { return `W/"` + string(tag) + `"` }
