package compact

import (
	"fmt"
	"hash/maphash"
	"math"
	"math/bits"
	"strings"
	"unicode/utf8"

	"flowring/flow"
	"flowring/flow/field"
	"flowring/flow/scan"
)

// nameList numbers the names of a body in the order of their first appearance in its records, because this is their
// order in a batch. A name that no record has gets no number.
type nameList struct {
	message *message
	numbers []uint32 // by index: the number plus 1, or unused, or faulty
	order   []uint32 // by number: the index
	slots   []uint32 // hash table with linear probing: index plus 1, or 0
}

const (
	unused = 0
	faulty = math.MaxUint32
)

// reset reads the names of a message, which must be distinct.
func (l *nameList) reset(m *message) error {
	n := len(m.names)
	l.message, l.order = m, l.order[:0]
	l.numbers = append(l.numbers[:0], make([]uint32, n)...)
	l.slots = append(l.slots[:0], make([]uint32, 1<<bits.Len(uint(2*n)))...)
	seed := maphash.MakeSeed() // a client cannot construct colliding names (P16)
	for i := range m.names {
		name := m.name(uint32(i))
		if nameFault(field.SrcApp, name) != "" {
			l.numbers[i] = faulty
		}
		at := maphash.Bytes(seed, name)
		for ; l.slots[at&uint64(len(l.slots)-1)] != 0; at++ {
			other := l.slots[at&uint64(len(l.slots)-1)] - 1
			if string(m.name(other)) == string(name) {
				return bodyFault("the names must be distinct, got %s at %d and %d", field.Quote(name), other, i)
			}
		}
		l.slots[at&uint64(len(l.slots)-1)] = uint32(i) + 1
	}
	return nil
}

// known returns the numbers of the names at indices. ok is false unless all of them have numbers.
func (l *nameList) known(at scan.Symbols) (names scan.Symbols, ok bool) {
	n := uint32(len(l.numbers))
	if at.Src >= n || at.Dest >= n || at.VPC >= n {
		return scan.Symbols{}, false
	}
	// One less is MaxUint32 for an unused name, and MaxUint32-1 for a faulty one.
	names = scan.Symbols{Src: l.numbers[at.Src] - 1, Dest: l.numbers[at.Dest] - 1, VPC: l.numbers[at.VPC] - 1}
	return names, names.Src < faulty-1 && names.Dest < faulty-1 && names.VPC < faulty-1
}

// number returns the numbers of the names at indices, which have no fault. An unused name gets the next number.
func (l *nameList) number(at scan.Symbols) (names scan.Symbols) {
	names.Src = l.numberOf(at.Src)
	names.Dest = l.numberOf(at.Dest)
	names.VPC = l.numberOf(at.VPC)
	return names
}

func (l *nameList) numberOf(index uint32) uint32 {
	if l.numbers[index] == unused {
		l.order = append(l.order, index)
		l.numbers[index] = uint32(len(l.order))
	}
	return l.numbers[index] - 1
}

// fault returns the reason why the name at an index cannot be that of a field; it is empty for a valid one.
func (l *nameList) fault(f field.Field, index uint32) string {
	switch {
	case index >= uint32(len(l.numbers)):
		return fmt.Sprintf("must be an index of the %d names, got %d", len(l.numbers), index)
	case l.numbers[index] == faulty:
		return nameFault(f, l.message.name(index))
	}
	return ""
}

// text returns the name at an index.
func (l *nameList) text(index uint32) string { return string(l.message.name(index)) }

// used returns the names that have numbers, by number. They share one backing string.
func (l *nameList) used() []string {
	size := 0
	for _, index := range l.order {
		size += int(l.message.names[index].size)
	}
	var all strings.Builder
	all.Grow(size)
	for _, index := range l.order {
		all.Write(l.message.name(index))
	}
	rest, names := all.String(), make([]string, len(l.order))
	for i, index := range l.order {
		n := l.message.names[index].size
		names[i], rest = rest[:n], rest[n:]
	}
	return names
}

// nameFault returns the reason why text is not a name; it is empty for a name.
func nameFault(f field.Field, text []byte) string {
	switch n := len(text); {
	case n == 0:
		return f.Want() + ", got an empty name"
	case n > flow.MaxName:
		return fmt.Sprintf("%s, got %d bytes: %s", f.Want(), n, field.Quote(text))
	case !utf8.Valid(text):
		return "must be valid UTF-8, got " + field.Quote(text)
	}
	return ""
}
