package table

import (
	"hash/maphash"
	"math"
	"slices"
	"strings"
	"sync"
)

// names numbers the names of a slice, from 0 in order of arrival. A name keeps its number.
//
// An open-addressing hash table with linear probing finds the numbers, as in a shard. It holds only numbers: about 8
// bytes where a Go map takes 40, because the map repeats the string. The hash is seeded (P16).
type names struct {
	mu    sync.RWMutex
	slots []uint32 // 0, or a number plus 1 below a part of the hash; the length is a power of two; at most half are in use
	list  []string
	bytes int // the sum of the lengths of the names
	seed  maphash.Seed
}

func newNames() names { return names{seed: maphash.MakeSeed()} }

// unknown is the number of a name without a number.
const unknown = math.MaxUint32

// look returns the number of a name, or, if it has none, the free slot for it and the rest of its hash. There must be
// slots. A number is less than their count, so the bits above it are free for a part of the hash. It tells most other
// names without a look at them.
func (n *names) look(name string, hash uint64) (id, slot, rest uint32) {
	slots := n.slots
	mask := uint32(len(slots) - 1)
	rest = uint32(hash>>32) &^ mask
	for slot = uint32(hash) & mask; ; slot = (slot + 1) & mask {
		p := slots[slot]
		if p == 0 {
			return unknown, slot, rest
		}
		if p&^mask == rest && n.list[p&mask-1] == name {
			return p&mask - 1, slot, rest
		}
	}
}

// find returns the number of each name, unknown for a name without one, and whether any number is unknown.
func (n *names) find(wanted []string) (ids []uint32, missing bool) {
	ids = make([]uint32, len(wanted))
	n.mu.RLock()
	defer n.mu.RUnlock()
	return ids, n.fill(ids, wanted)
}

// foundAtOnce is the number of names that fill looks up together.
const foundAtOnce = 32

// fill sets the number of each name, and reports whether any number is unknown. The caller holds mu.
//
// It reads the slots of some names before it compares the first one, so that the processor waits for the memory of all
// of them at once. It selects between two slots without a branch, which the processor could not predict.
func (n *names) fill(ids []uint32, wanted []string) (missing bool) {
	if len(n.list) == 0 {
		for i := range ids {
			ids[i] = unknown
		}
		return len(ids) > 0
	}
	var hashes [foundAtOnce]uint64
	mask := uint32(len(n.slots) - 1)
	for len(wanted) > 0 {
		part := wanted[:min(foundAtOnce, len(wanted))]
		for i, name := range part {
			hash := maphash.String(n.seed, name)
			hashes[i] = hash
			p, next := n.slots[uint32(hash)&mask], n.slots[(uint32(hash)+1)&mask]
			if (p^uint32(hash>>32))&^mask != 0 {
				p = next
			}
			ids[i] = p&mask - min(p&mask, 1)
		}
		for i, name := range part {
			if n.list[ids[i]] != name {
				ids[i], _, _ = n.look(name, hashes[i])
				missing = missing || ids[i] == unknown
			}
		}
		wanted, ids = wanted[len(part):], ids[len(part):]
	}
	return missing
}

// intern returns the number of each name, and numbers new names. Most batches bring no new name and only share the
// lock.
func (n *names) intern(wanted []string) []uint32 {
	ids, missing := n.find(wanted)
	if !missing {
		return ids
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fill(ids, wanted) { // another batch may have numbered some meanwhile
		n.add(ids, wanted)
	}
	return ids
}

// add numbers the names that have the number unknown. It keeps a copy of them, because all names of a batch share one
// string, which would stay in memory as a whole.
func (n *names) add(ids []uint32, wanted []string) {
	count, bytes := 0, 0
	for i, id := range ids {
		if id == unknown {
			count++
			bytes += len(wanted[i])
		}
	}
	n.grow(len(n.list) + count)
	var copied strings.Builder // one piece of memory for all new names
	copied.Grow(bytes)
	for i, id := range ids {
		if id == unknown {
			copied.WriteString(wanted[i])
		}
	}
	rest := copied.String()
	for i, id := range ids {
		if id == unknown {
			ids[i] = n.put(rest[:len(wanted[i])])
			rest = rest[len(wanted[i]):]
		}
	}
	n.bytes += bytes
}

// put numbers a name, for which there is room, unless it has a number.
func (n *names) put(name string) (id uint32) {
	id, slot, rest := n.look(name, maphash.String(n.seed, name))
	if id != unknown {
		return id
	}
	n.list = append(n.list, name)
	n.slots[slot] = rest | uint32(len(n.list))
	return uint32(len(n.list) - 1)
}

// grow makes room for a number of names.
func (n *names) grow(count int) {
	n.list = slices.Grow(n.list, count-len(n.list))
	size := max(8, len(n.slots))
	for count > size/2 {
		size *= 2
	}
	if size == len(n.slots) {
		return
	}
	n.slots = make([]uint32, size)
	for i, name := range n.list {
		_, slot, rest := n.look(name, maphash.String(n.seed, name))
		n.slots[slot] = rest | uint32(i+1)
	}
}

// all returns the names by number. The list may grow beyond the end of the returned slice; its elements do not change.
func (n *names) all() []string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.list[:len(n.list):len(n.list)]
}

func (n *names) count() int {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return len(n.list)
}

// size estimates the memory of the names in bytes.
func (n *names) size() int64 {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return int64(n.bytes) + nameCost*int64(len(n.list))
}

// nameCost is the size of a string header in the list and of a slot, with the unused capacity of both.
const nameCost = 28
