package flow

import "strings"

// Order makes words of names that are in the order of the names, so that most names are compared without a look at them. Where names
// have a beginning in common, the words are of what is behind it.
type Order struct{ common string }

// NewOrder returns an order that tells such names apart well, and orders any names.
func NewOrder(such ...string) Order {
	if len(such) == 0 {
		return Order{}
	}
	common := such[0]
	for _, name := range such[1:] {
		for !strings.HasPrefix(name, common) {
			common = common[:len(common)-1]
		}
	}
	return Order{common}
}

// WordBytes is how many bytes of a name its word has.
const WordBytes = 7

// A word has these bytes of the name, and in the low byte, from 1 on, how many bytes there are, 9 if there are more of them. So of names that
// differ in length alone the shorter one is first, even if the other goes on with zeros.
const (
	lowest  = 0          // of every name that is less than all with the common beginning
	highest = ^uint64(0) // of every name that is greater
)

// Word returns the word of a name: of two names the one with the lesser word is the lesser.
func (o Order) Word(name string) uint64 {
	rest, ok := strings.CutPrefix(name, o.common)
	switch {
	case ok:
	case name < o.common:
		return lowest
	default:
		return highest
	}
	word := uint64(0)
	for i := range min(len(rest), WordBytes) {
		word |= uint64(rest[i]) << (56 - 8*i)
	}
	return word | uint64(1+min(len(rest), WordBytes+1))
}

// Whole reports whether a word is of one name alone.
func Whole(word uint64) bool {
	length := word & 0xff
	return length > 0 && length <= 1+WordBytes
}
