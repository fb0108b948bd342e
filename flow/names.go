package flow

import (
	"encoding/binary"

	"flowring/internal/hashseed"
)

// seeds are what the hashes of one request depend on besides its content. They are secret and drawn anew for each, so that no
// sender can choose names or flows that fall together (P16). No result depends on them.
type seeds [3]uint64

func newSeeds() (s seeds) {
	hashseed.Draw(s[:])
	return s
}

// flow returns the hash of a flow in an hour.
func (s *seeds) flow(hour Hour, f triple) uint64 {
	h := hashseed.Mix((uint64(f.src)<<32|uint64(f.dest))^s[0], uint64(f.vpc)^uint64(hour)*(s[2]|1)^s[1])
	return hashseed.Mix(h, s[2])
}

// nameTable numbers names in the order in which they come. It holds their bytes one behind the other, so that a request makes
// one string and not one a name. It is a hash table with linear probing, at most half full.
type nameTable struct {
	seeds
	slots []uint32 // symbol plus 1; 0: free; their number is a power of two
	names []name
	text  []byte // all names
}

// name is text[start:start+size].
type name struct {
	lo, hi uint64 // the first 16 bytes
	last   uint64 // of more than 16 bytes the last 8: most names are found without a look at the text
	hash   uint64
	start  int
	size   int
}

// reset makes the table an empty one with the given number of slots.
func (t *nameTable) reset(slots int) {
	t.seeds = newSeeds()
	t.slots = free(t.slots, slots)
	t.names, t.text = t.names[:0], t.text[:0]
}

// symbol returns the number of a name of which the first 16 bytes are lo and hi. It keeps nothing of text.
func (t *nameTable) symbol(text []byte, lo, hi uint64) uint32 {
	last := uint64(0)
	if len(text) > 16 {
		last = binary.LittleEndian.Uint64(text[len(text)-8:])
	}
	h := hashseed.Mix(hashseed.Mix(lo^t.seeds[0], hi^t.seeds[1])^last, t.seeds[2])
	if len(text) > 24 {
		h = t.hashRest(h, text)
	}
	for i := h; ; i++ {
		at := i & uint64(len(t.slots)-1)
		k := t.slots[at]
		if k == 0 {
			return t.insertName(name{lo, hi, last, h, len(t.text), len(text)}, text, at)
		}
		n := &t.names[k-1]
		if n.lo == lo && n.hi == hi && n.last == last && n.size == len(text) && (len(text) <= 24 || t.is(n, text)) {
			return k - 1
		}
	}
}

// hashRest returns the hash of a name of more than 24 bytes, given that of the others.
func (t *nameTable) hashRest(h uint64, text []byte) uint64 {
	for i := 16; i < len(text)-8; i += 8 {
		h = hashseed.Mix(h^binary.LittleEndian.Uint64(text[i:]), t.seeds[2])
	}
	return h
}

func (t *nameTable) is(n *name, text []byte) bool {
	return string(t.text[n.start:n.start+n.size]) == string(text)
}

// insertName notes a new name, for which the given slot is free.
func (t *nameTable) insertName(n name, text []byte, slot uint64) uint32 {
	t.text = append(t.text, text...)
	t.names = append(t.names, n)
	t.slots[slot] = uint32(len(t.names))
	if 2*len(t.names) > len(t.slots) {
		t.slots = free(t.slots, 2*len(t.slots))
		for i := range t.names {
			*freeSlot(t.slots, t.names[i].hash) = uint32(i) + 1
		}
	}
	return uint32(len(t.names)) - 1
}

// freeSlot returns the slot for what has the given hash and is not in the table.
func freeSlot(slots []uint32, hash uint64) *uint32 {
	for ; ; hash++ {
		if slot := &slots[hash&uint64(len(slots)-1)]; *slot == 0 {
			return slot
		}
	}
}

// free returns n free slots, in the memory of others if there is enough.
func free(slots []uint32, n int) []uint32 {
	if n > cap(slots) {
		return make([]uint32, n)
	}
	slots = slots[:n]
	clear(slots)
	return slots
}

// bytes returns the name of a symbol. The caller must not change it, nor use it after the next name has come.
func (t *nameTable) bytes(symbol uint32) []byte {
	n := &t.names[symbol]
	return t.text[n.start : n.start+n.size]
}

// strings returns all names. They share one backing string.
func (t *nameTable) strings() []string {
	all, names := string(t.text), make([]string, len(t.names))
	for i := range t.names {
		n := &t.names[i]
		names[i] = all[n.start : n.start+n.size]
	}
	return names
}
