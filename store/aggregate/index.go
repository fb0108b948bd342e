package aggregate

import (
	"math/bits"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/internal/hashseed"
)

// index finds the sums of a group by its key. It is an open-addressing hash table with linear probing, whose slots
// hold key and sums, so that most look-ups cost one cache miss.
type index struct {
	slots   []slot // the length is a power of two, and at most 2/3 are in use
	count   int
	max     int // of count; 0: no limit
	seed    [2]uint64
	carries map[packedKey]*[2]uint64 // the upper halves of the sums that exceed 64 bits
}

// slot is a group, or unused if its key is zero.
type slot struct {
	key    packedKey
	tx, rx uint64 // the lower halves of its sums
}

// packedKey has the numbers of a group: source and destination, VPC and time. The number of a time is not zero.
type packedKey [2]uint64

func packed(k groupKey, time uint32) packedKey {
	return packedKey{uint64(k.src)<<32 | uint64(k.dest), uint64(k.vpc)<<32 | uint64(time)}
}

const leastSlots = 16

func newIndex(limit int) index {
	x := index{slots: make([]slot, leastSlots), max: limit}
	hashseed.Draw(x.seed[:])
	return x
}

func (x *index) hash(k packedKey) uint64 {
	return hashseed.Mix(hashseed.Mix(k[0]^x.seed[0], k[1]^x.seed[1]), x.seed[1])
}

// at returns the slot of a group, a new one if there is none yet. It returns nil beyond the limit. The slot is valid
// until the next call.
func (x *index) at(k packedKey) *slot {
	mask := uint64(len(x.slots) - 1)
	for i := x.hash(k); ; i++ {
		s := &x.slots[i&mask]
		if s.key == k {
			return s
		}
		if s.key[1] == 0 {
			return x.insert(k, s)
		}
	}
}

// insert adds a group at an unused slot.
func (x *index) insert(k packedKey, at *slot) *slot {
	if x.max > 0 && x.count >= x.max {
		return nil
	}
	x.count++
	if x.count > len(x.slots)/3*2 {
		x.grow()
		at = x.unused(k)
	}
	at.key = k
	return at
}

// unused returns the slot for a new group.
func (x *index) unused(k packedKey) *slot {
	mask := uint64(len(x.slots) - 1)
	i := x.hash(k)
	for x.slots[i&mask].key[1] != 0 {
		i++
	}
	return &x.slots[i&mask]
}

// reserve makes room for a number of groups in all.
func (x *index) reserve(groups int) {
	for groups > len(x.slots)/3*2 && (x.max == 0 || groups <= x.max) {
		x.grow()
	}
}

// grow doubles the number of slots.
func (x *index) grow() {
	before := x.slots
	x.slots = make([]slot, 2*len(before))
	for i := range before {
		if before[i].key[1] != 0 {
			*x.unused(before[i].key) = before[i]
		}
	}
}

// lookups is the number of flows that addAll takes.
const lookups = 64

// addAll adds the totals of flows to their groups. It reads the first slots of all flows before it uses one, so that
// the processor waits for many cache misses at once. It returns false beyond the limit.
func (x *index) addAll(keys []packedKey, totals []flow.Totals) bool {
	var at [lookups]uint64
	var found [lookups]bool
	slots, mask := x.slots, uint64(len(x.slots)-1)
	for i, k := range keys {
		at[i] = x.hash(k) & mask
	}
	for i, k := range keys {
		s := &slots[at[i]&mask]
		found[i] = (s.key[0]^k[0])|(s.key[1]^k[1]) == 0
	}
	for i, k := range keys {
		if found[i] && len(x.slots) == len(slots) {
			x.addTotals(&slots[at[i]&mask], totals[i])
			continue
		}
		s := x.at(k)
		if s == nil {
			return false
		}
		x.addTotals(s, totals[i])
	}
	return true
}

// addTotals adds the totals of a flow to a group.
func (x *index) addTotals(s *slot, t flow.Totals) {
	var carryTx, carryRx uint64
	s.tx, carryTx = bits.Add64(s.tx, uint64(t.BytesTx), 0)
	s.rx, carryRx = bits.Add64(s.rx, uint64(t.BytesRx), 0)
	if carryTx|carryRx != 0 {
		x.carry(s.key, carryTx, carryRx)
	}
}

// addTo adds sums to a group.
func (x *index) addTo(s *slot, tx, rx query.Sum) {
	var carryTx, carryRx uint64
	s.tx, carryTx = bits.Add64(s.tx, tx.Low, 0)
	s.rx, carryRx = bits.Add64(s.rx, rx.Low, 0)
	if highTx, highRx := tx.High+carryTx, rx.High+carryRx; highTx|highRx != 0 {
		x.carry(s.key, highTx, highRx)
	}
}

func (x *index) carry(k packedKey, tx, rx uint64) {
	if x.carries == nil {
		x.carries = make(map[packedKey]*[2]uint64)
	}
	high := x.carries[k]
	if high == nil {
		high = new([2]uint64)
		x.carries[k] = high
	}
	high[0] += tx
	high[1] += rx
}

// sums returns the sums of a group.
func (x *index) sums(s *slot) (tx, rx query.Sum) {
	tx.Low, rx.Low = s.tx, s.rx
	if len(x.carries) > 0 {
		if high := x.carries[s.key]; high != nil {
			tx.High, rx.High = high[0], high[1]
		}
	}
	return tx, rx
}
