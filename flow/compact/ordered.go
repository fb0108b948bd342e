package compact

import (
	"hash/maphash"
	"math"
	"math/bits"
	"unicode/utf8"

	"flowring/flow"
	"flowring/flow/field"
	"flowring/internal/hashseed"
)

// ordered returns the posting of a body without any fault that has one hour, and whose names and flows are distinct and
// stand in the order in which its records have them. Then the columns of flows are those of the batch, and each record
// costs two additions. ordered returns nil for any other body.
func (d *Decoder) ordered(records int) *flow.Posting {
	m := &d.message
	var hour [1]uint64
	if !m.oneHour || !m.hours(hour[:]) || d.builder.HourFault(flow.Hour(hour[0])) != "" || !d.plainNames() {
		return nil
	}
	n, names := m.flows, uint32(len(m.names))
	numbers, sums := make([]uint32, 3*n), make([]int64, 2*n)
	b := &flow.Batch{
		Slice: flow.Slice{Hour: flow.Hour(hour[0])},
		Src:   numbers[:n:n], Dest: numbers[n : 2*n : 2*n], VPC: numbers[2*n:], Tx: sums[:n:n], Rx: sums[n:],
	}
	if d.readFlows(b) != names || !d.distinctFlows(b) || !d.addUp(b, records) {
		return nil
	}
	b.Names = m.texts()
	return &flow.Posting{Records: records, Batches: []*flow.Batch{b}}
}

// plainNames reports whether all names are valid and distinct.
func (d *Decoder) plainNames() bool {
	m, slots, seed := &d.message, d.set.reset(len(d.message.names)), maphash.MakeSeed()
	for i := range m.names {
		name := m.name(uint32(i))
		if len(name) == 0 || len(name) > flow.MaxName || !utf8.Valid(name) {
			return false
		}
		for h := maphash.Bytes(seed, name); ; h++ {
			other, free := slots.claim(h, i)
			if free {
				break
			}
			if string(m.name(other)) == string(name) {
				return false
			}
		}
	}
	return true
}

// readFlows reads the columns of flows. It returns the number of names if they stand in the order in which the flows
// have them: source, destination, VPC, flow by flow.
func (d *Decoder) readFlows(b *flow.Batch) (names uint32) {
	c := &d.message.columns
	src, dest, vpc := c[field.SrcApp].text, c[field.DestApp].text, c[field.VPCID].text
	next, ahead := uint32(0), false
	for i := range b.Src {
		s, t, v := index(src, i), index(dest, i), index(vpc, i)
		b.Src[i], b.Dest[i], b.VPC[i] = s, t, v
		for _, name := range [...]uint32{s, t, v} {
			ahead = ahead || name > next
			if name == next {
				next++
			}
		}
	}
	if ahead {
		return math.MaxUint32
	}
	return next
}

// distinctFlows reports whether all flows are distinct.
func (d *Decoder) distinctFlows(b *flow.Batch) bool {
	var seeds [3]uint64
	hashseed.Draw(seeds[:])
	slots := d.set.reset(b.Len())
	for i := range b.Src {
		h := hashseed.Mix((uint64(b.Src[i])<<32|uint64(b.Dest[i]))^seeds[0], uint64(b.VPC[i])^seeds[1])
		for h = hashseed.Mix(h, seeds[2]); ; h++ {
			k, free := slots.claim(h, i)
			if free {
				break
			}
			if b.Src[i] == b.Src[k] && b.Dest[i] == b.Dest[k] && b.VPC[i] == b.VPC[k] {
				return false
			}
		}
	}
	return true
}

// addUp adds the records to the sums of their flows. It reports false if the flows do not stand in the order in which
// records have them, or for a fault.
func (d *Decoder) addUp(b *flow.Batch, records int) bool {
	m := &d.message
	tx, rx, flows := m.columns[field.BytesTx].text, m.columns[field.BytesRx].text, m.flowOf.text
	n, next, most := uint32(b.Len()), uint32(0), uint64(0)
	for i := range records {
		f := uint32(i)
		if len(flows) > 0 {
			f = index(flows, i)
		}
		if f > next || f >= n {
			return false
		}
		if f == next {
			next++
		}
		t, r := sum(tx, i), sum(rx, i)
		most = max(most, t, r)
		b.Tx[f] += int64(t)
		b.Rx[f] += int64(r)
		if b.Tx[f]|b.Rx[f] < 0 {
			return false
		}
	}
	return next == n && most <= uint64(d.MaxSum())
}

// set is a hash table with linear probing, at most half full. A slot has the number of an element plus 1.
type set []uint32

// reset empties the set, and makes room for n elements.
func (s *set) reset(n int) set {
	size := 1 << bits.Len(uint(2*n))
	if size > cap(*s) {
		*s = make(set, size)
	}
	*s = (*s)[:size]
	clear(*s)
	return *s
}

// claim takes the slot of a hash for element i. free is false if the slot has another element.
func (s set) claim(hash uint64, i int) (other uint32, free bool) {
	slot := &s[hash&uint64(len(s)-1)]
	if *slot == 0 {
		*slot = uint32(i) + 1
		return 0, true
	}
	return *slot - 1, false
}
