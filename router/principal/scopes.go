package principal

import (
	"errors"
	"strings"
)

// Scopes is a set of scopes.
type Scopes uint8

// The scopes.
const (
	Write Scopes = 1 << iota // POST /flows
	Read                     // flows, members and metrics
	Admin                    // POST /admin/...
)

// names are the scopes with their names, in the order of texts.
var names = [...]struct {
	scope Scopes
	name  string
}{{Write, "write"}, {Read, "read"}, {Admin, "admin"}}

// errScopes shows nothing of the text, because a token may stand in the wrong place.
var errScopes = errors.New("want one or more of write, read and admin, with commas between them")

// ParseScopes returns the scopes of a text such as "write,read".
func ParseScopes(text string) (Scopes, error) {
	var all Scopes
	for word := range strings.SplitSeq(text, ",") {
		one := scopeOf(word)
		if one == 0 || all&one != 0 {
			return 0, errScopes
		}
		all |= one
	}
	return all, nil
}

// scopeOf returns the scope with a name; 0: there is none.
func scopeOf(name string) Scopes {
	for _, n := range names {
		if n.name == name {
			return n.scope
		}
	}
	return 0
}

// Has reports whether s includes all scopes of need.
func (s Scopes) Has(need Scopes) bool { return s&need == need }

// String returns the form of ParseScopes.
func (s Scopes) String() string {
	var all []string
	for _, n := range names {
		if s.Has(n.scope) {
			all = append(all, n.name)
		}
	}
	return strings.Join(all, ",")
}
