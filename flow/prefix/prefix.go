package prefix

import "strings"

// Prefixer maps names to 8-byte prefixes with the same order, so most names are compared without reading them. If the
// names share a common beginning, the prefixes are of the bytes after it.
type Prefixer struct{ common string }

// New returns a Prefixer whose prefixes tell the given names apart well. It is correct for any other names too.
func New(names ...string) Prefixer {
	if len(names) == 0 {
		return Prefixer{}
	}
	common := names[0]
	for _, name := range names[1:] {
		for !strings.HasPrefix(name, common) {
			common = common[:len(common)-1]
		}
	}
	return Prefixer{common}
}

// Bytes is the number of bytes of the name in a prefix.
const Bytes = 7

// The seven high bytes of a prefix are bytes of the name. The low byte is 1 plus their number, or 9 if the name has
// more than seven. So of two names, one of which is the other and zeros after it, the shorter one has the lesser
// prefix.
const (
	lowest  = 0          // for names less than all names with the common beginning
	highest = ^uint64(0) // for names greater than all names with the common beginning
)

// Prefix returns the prefix of a name. Of two names with different prefixes, the one with the lesser prefix is the
// lesser.
func (p Prefixer) Prefix(name string) uint64 {
	rest, ok := strings.CutPrefix(name, p.common)
	switch {
	case ok:
	case name < p.common:
		return lowest
	default:
		return highest
	}
	text := uint64(0)
	for i := range min(len(rest), Bytes) {
		text |= uint64(rest[i]) << (56 - 8*i)
	}
	return text | uint64(1+min(len(rest), Bytes+1))
}

// IsExact reports whether only one name has the prefix.
func IsExact(prefix uint64) bool {
	length := prefix & 0xff
	return length > 0 && length <= 1+Bytes
}
