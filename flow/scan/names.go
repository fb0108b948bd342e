package scan

import (
	"encoding/binary"

	"flowring/internal/hashseed"
)

// seeds are the secret inputs of the hashes of one request. Every request draws new ones, so a client cannot construct
// colliding names or flows (P16). No result depends on them.
type seeds [3]uint64

// flow returns the hash of a flow in an hour.
func (s *seeds) flow(hour int64, f Symbols) uint64 {
	h := hashseed.Mix((uint64(f.Src)<<32|uint64(f.Dest))^s[0], uint64(f.VPC)^uint64(hour)*(s[2]|1)^s[1])
	return hashseed.Mix(h, s[2])
}

// nameTable numbers names in the order of their first appearance. The number of a name is its symbol. The names stand
// one after the other in text, so a request needs one string for all names instead of one for each. The hash table has
// linear probing and is at most half full.
type nameTable struct {
	seeds seeds
	slots []uint32 // symbol plus 1, or 0 in a free slot; the length is a power of two
	names []name
	text  []byte
}

// name is text[start:start+size].
type name struct {
	lo, hi uint64 // the first 16 bytes
	last   uint64 // the last 8 of more than 16 bytes; because of it most names are found without reading text
	hash   uint64
	start  int
	size   int
}

// reset empties the table and gives it the given number of slots.
func (t *nameTable) reset(slots int) {
	hashseed.Draw(t.seeds[:])
	t.slots = clearedSlots(t.slots, slots)
	t.names, t.text = t.names[:0], t.text[:0]
}

// Symbol returns the symbol of a name. It keeps no part of text.
func (t *nameTable) Symbol(text []byte) uint32 {
	var head [16]byte
	copy(head[:], text)
	return t.symbol(text, lowWord(&head), highWord(&head))
}

// symbol is Symbol for a name whose first 16 bytes, padded with zeros, are lo and hi.
func (t *nameTable) symbol(text []byte, lo, hi uint64) uint32 {
	last := uint64(0)
	if len(text) > 16 {
		last = binary.LittleEndian.Uint64(text[len(text)-8:])
	}
	h := hashseed.Mix(hashseed.Mix(lo^t.seeds[0], hi^t.seeds[1])^last, t.seeds[2])
	if len(text) > 24 {
		h = t.hashMiddle(h, text)
	}
	for i := h; ; i++ {
		at := i & uint64(len(t.slots)-1)
		k := t.slots[at]
		if k == 0 {
			return t.insertName(name{lo, hi, last, h, len(t.text), len(text)}, text, at)
		}
		n := &t.names[k-1]
		if n.lo == lo && n.hi == hi && n.last == last && n.size == len(text) && (len(text) <= 24 || t.equal(n, text)) {
			return k - 1
		}
	}
}

// hashMiddle adds the bytes of a long name between the first 16 and the last 8 to the hash of those.
func (t *nameTable) hashMiddle(h uint64, text []byte) uint64 {
	for i := 16; i < len(text)-8; i += 8 {
		h = hashseed.Mix(h^binary.LittleEndian.Uint64(text[i:]), t.seeds[2])
	}
	return h
}

func (t *nameTable) equal(n *name, text []byte) bool {
	return string(t.text[n.start:n.start+n.size]) == string(text)
}

// insertName adds a new name, whose slot is free.
func (t *nameTable) insertName(n name, text []byte, slot uint64) uint32 {
	t.text = append(t.text, text...)
	t.names = append(t.names, n)
	t.slots[slot] = uint32(len(t.names))
	if 2*len(t.names) > len(t.slots) {
		t.slots = clearedSlots(t.slots, 2*len(t.slots))
		for i := range t.names {
			*freeSlot(t.slots, t.names[i].hash) = uint32(i) + 1
		}
	}
	return uint32(len(t.names)) - 1
}

// freeSlot returns the slot for a new element with the given hash.
func freeSlot(slots []uint32, hash uint64) *uint32 {
	for ; ; hash++ {
		if slot := &slots[hash&uint64(len(slots)-1)]; *slot == 0 {
			return slot
		}
	}
}

// clearedSlots returns n free slots. It reuses the memory of slots if possible.
func clearedSlots(slots []uint32, n int) []uint32 {
	if n > cap(slots) {
		return make([]uint32, n)
	}
	slots = slots[:n]
	clear(slots)
	return slots
}

// Name returns the name of a symbol. The caller must not change it. It is valid until the next name is added.
func (t *nameTable) Name(symbol uint32) []byte {
	n := &t.names[symbol]
	return t.text[n.start : n.start+n.size]
}

// Names returns all names, by symbol. They share one backing string.
func (t *nameTable) Names() []string {
	all, names := string(t.text), make([]string, len(t.names))
	for i := range t.names {
		n := &t.names[i]
		names[i] = all[n.start : n.start+n.size]
	}
	return names
}
