package router

import (
	"net/http"
	"strings"
)

// Of the tags in a request, so many are looked at, and none that is longer: those of this program are short.
const (
	maxKnown  = 16
	maxTagLen = 64
)

// knownTags returns the tags of the answers that the client has, by If-None-Match (RFC 9110, section 13.1.2). They are compared weakly:
// W/ makes no difference. What is not well formed ends the list, for a tag that is not known costs no more than an answer.
func knownTags(h http.Header) []string {
	list := strings.Join(h.Values("If-None-Match"), ",")
	if strings.TrimSpace(list) == AnyTag {
		return []string{AnyTag}
	}
	var known []string
	for len(known) < maxKnown {
		list = strings.TrimPrefix(strings.TrimLeft(list, ", \t"), "W/")
		if !strings.HasPrefix(list, `"`) {
			break
		}
		tag, rest, whole := strings.Cut(list[1:], `"`)
		if !whole {
			break
		}
		if usable(tag) {
			known = append(known, tag)
		}
		list = rest
	}
	return known
}

// usable reports whether a tag can be one of this program's. AnyTag in quotes is not.
func usable(tag string) bool {
	strange := func(r rune) bool { return r <= ' ' || r > '~' }
	return tag != "" && tag != AnyTag && len(tag) <= maxTagLen && !strings.ContainsFunc(tag, strange)
}

// entityTag writes a tag for the header ETag. It is weak, since the compressed forms of an answer have the same one, and their bytes
// depend on who compressed them.
func entityTag(tag string) string { return `W/"` + tag + `"` }
