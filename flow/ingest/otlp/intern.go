package otlp

import (
	"bytes"
	"hash/maphash"
	"math/bits"
	"strconv"
	"strings"
)

// attribute is an attribute with its value as text.
type attribute struct {
	key   int // the number of the key; 0: no preset has it
	value string
}

// maxKnown is the largest number of known attributes, because a body may have many that are all different. Others are
// read whenever they come (P16).
const maxKnown = 1 << 14

// known has the attributes of a body by their messages, because most attributes of a point are those of earlier points.
// Its hash table has linear probing and is at most half full.
type known struct {
	seed  maphash.Seed // a sender cannot construct colliding attributes (P16)
	slots []uint32     // the number of an attribute, from 1; 0: free
	all   []knownAttribute
}

type knownAttribute struct {
	message []byte
	attribute
}

// expect makes room for the expected number of attributes.
func (k *known) expect(n int) {
	k.seed, k.slots = maphash.MakeSeed(), make([]uint32, 1<<bits.Len(uint(2*n|15)))
	k.all = make([]knownAttribute, 0, n)
}

// is reports whether an attribute has a number, which may be 0.
func (k *known) is(number uint32, message []byte) bool {
	return number > 0 && bytes.Equal(k.all[number-1].message, message)
}

// slot returns the slot of an attribute, or the free slot for it.
func (k *known) slot(message []byte) *uint32 {
	for i := maphash.Bytes(k.seed, message); ; i++ {
		slot := &k.slots[i&uint64(len(k.slots)-1)]
		if *slot == 0 || k.is(*slot, message) {
			return slot
		}
	}
}

// add adds an attribute in its free slot. It returns the slot, which is another one if the table grows.
func (k *known) add(slot *uint32, message []byte, a attribute) *uint32 {
	k.all = append(k.all, knownAttribute{message, a})
	*slot = uint32(len(k.all))
	if 2*len(k.all) <= len(k.slots) {
		return slot
	}
	k.slots = make([]uint32, 2*len(k.slots))
	for i := range k.all {
		slot = k.slot(k.all[i].message)
		*slot = uint32(i) + 1
	}
	return slot
}

// order has the numbers of the attributes of the newest point, because the next point likely has them at the same
// places.
type order []uint32

// at returns the number at a place.
func (o *order) at(i int) *uint32 {
	if i == len(*o) {
		*o = append(*o, 0)
	}
	return &(*o)[i]
}

// texts makes strings that share their memory, because one allocation for each would cost more CPU than all else of
// them.
type texts struct{ chunk strings.Builder }

const chunkSize = 1 << 10

// text returns b as a string.
func (t *texts) text(b []byte) string {
	if t.chunk.Cap()-t.chunk.Len() < len(b) {
		t.chunk.Reset()
		t.chunk.Grow(max(chunkSize, len(b)))
	}
	start := t.chunk.Len()
	t.chunk.Write(b)
	return t.chunk.String()[start:]
}

// number returns n as a string of digits.
func (t *texts) number(n int64) string {
	var digits [20]byte
	return t.text(strconv.AppendInt(digits[:0], n, 10))
}
