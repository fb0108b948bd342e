package flow

import (
	"encoding/binary"
	"hash/maphash"
	"math"
	"strings"
	"unicode/utf8"
	"unsafe"

	"flowring/flow/field"
	"flowring/flow/room"
	"flowring/internal/hashseed"
)

// parser reads the content of an encoded batch. It stops at the first error.
type parser struct {
	rest []byte
	room *room.Room // for the batch; nil: the batch shares no memory
	err  error
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = corrupt(format, args...)
		p.rest = nil
	}
}

// uvarint reads a number of at most limit, in its shortest form. An error names the part of the batch.
func (p *parser) uvarint(part string, limit uint64) uint64 {
	v, n := binary.Uvarint(p.rest)
	switch {
	case n == 0:
		p.fail("ends within %s", part)
		return 0
	case n < 0 || n > 1 && p.rest[n-1] == 0:
		p.fail("a number in %s is not in its shortest form", part)
		return 0
	case v > limit:
		p.fail("%d in %s is over %d", v, part, limit)
		return 0
	}
	p.rest = p.rest[n:]
	return v
}

// count reads the number of elements to follow, each of at least size bytes. It fails if so many do not fit into the
// rest, so memory for the elements is bounded by the length of the data.
func (p *parser) count(elements string, size int) int {
	n := p.uvarint(elements, math.MaxInt64)
	if n > uint64(len(p.rest)/size) {
		p.fail("%d %s do not fit into %d bytes", n, elements, len(p.rest))
		return 0
	}
	return int(n)
}

// names reads the string table. The names share one backing string, that of the data if the batch is in a room.
func (p *parser) names() []string {
	names := p.room.Names(p.count("names", 2))
	if len(names) == 0 {
		p.fail("no names")
	}
	lengths, total := p.rest, 0
	for range names {
		total += int(p.uvarint("name lengths", MaxName))
	}
	if total > len(p.rest) {
		p.fail("ends within the names")
	}
	if p.err != nil {
		return nil
	}
	all := ""
	if p.room == nil {
		all = string(p.rest[:total])
	} else {
		all = unsafe.String(unsafe.SliceData(p.rest), total)
	}
	p.rest = p.rest[total:]
	return p.cutNames(names, lengths, all)
}

// cutNames cuts all into names by their lengths, which names has validated. The names must be valid and distinct.
func (p *parser) cutNames(names []string, lengths []byte, all string) []string {
	valid := utf8.ValidString(all) // if so, a name is valid if it and the next name begin with a character
	for i := range names {
		length, n := binary.Uvarint(lengths)
		lengths = lengths[n:]
		names[i], all = all[:length], all[length:]
		if valid && length > 0 && utf8.RuneStart(names[i][0]) {
			continue
		}
		if fault := field.NameFault(names[i]); fault != "" {
			p.fail("name %d %s", i, fault)
			return nil
		}
	}
	seed := maphash.MakeSeed()
	hash := func(i int) uint64 { return maphash.String(seed, names[i]) }
	if !p.room.AllDistinct(len(names), hash, func(i, k int) bool { return names[i] == names[k] }) {
		p.fail("a name is in the table twice")
	}
	return names
}

// columns reads the five columns of flows. Indices must be less than names, the number of names.
func (p *parser) columns(names int) *Batch {
	n := p.count("flows", 5)
	if n == 0 {
		p.fail("no flows")
		return nil
	}
	b := newBatch(Slice{}, n, p.room)
	for _, column := range [...][]uint32{b.Src, b.Dest, b.VPC} {
		readColumn(p, column, "name indices", uint64(names)-1)
	}
	for _, column := range [...][]int64{b.Tx, b.Rx} {
		readColumn(p, column, "sums", math.MaxInt64)
	}
	return b
}

// readColumn reads numbers of at most limit. It is fast for numbers of one byte or two, because most have. It leaves
// numbers with a fault to uvarint, which returns the error.
func readColumn[T uint32 | int64](p *parser, column []T, part string, limit uint64) {
	rest := p.rest
	for i := range column {
		if len(rest) > 1 {
			if v := uint64(rest[0]); v < 0x80 && v <= limit {
				column[i], rest = T(v), rest[1:]
				continue
			}
			if v := uint64(rest[0]&0x7f) | uint64(rest[1])<<7; 0 < rest[1] && rest[1] < 0x80 && v <= limit {
				column[i], rest = T(v), rest[2:]
				continue
			}
		}
		if v, n := binary.Uvarint(rest); n > 2 && rest[n-1] != 0 && v <= limit {
			column[i], rest = T(v), rest[n:]
			continue
		}
		p.rest = rest
		column[i] = T(p.uvarint(part, limit))
		rest = p.rest
	}
	p.rest = rest
}

// checkRows verifies the order of the names, which is that of first appearance, and the use of every name.
func (b *Batch) checkRows() error {
	next := uint32(0)
	for i := range b.Src {
		flow := [3]uint32{b.Src[i], b.Dest[i], b.VPC[i]}
		for _, name := range flow {
			if name > next {
				return corrupt("name %d is used before name %d", name, next)
			}
			if name == next {
				next++
			}
		}
	}
	if int(next) < len(b.Names) {
		return corrupt("name %d is never used", next)
	}
	return nil
}

// checkDistinct fails if a flow is in the batch twice.
func (b *Batch) checkDistinct(room *room.Room) error {
	var seeds [3]uint64
	hashseed.Draw(seeds[:])
	hash := func(i int) uint64 {
		h := hashseed.Mix((uint64(b.Src[i])<<32|uint64(b.Dest[i]))^seeds[0], uint64(b.VPC[i])^seeds[1])
		return hashseed.Mix(h, seeds[2])
	}
	same := func(i, k int) bool { return b.Src[i] == b.Src[k] && b.Dest[i] == b.Dest[k] && b.VPC[i] == b.VPC[k] }
	if !room.AllDistinct(b.Len(), hash, same) {
		return corrupt("a flow is in the batch twice")
	}
	return nil
}

// checkSorted fails unless the flows are sorted by key and distinct.
func (b *Batch) checkSorted() error {
	for i := 1; i < b.Len(); i++ {
		if b.compareRows(i-1, i) >= 0 {
			return corrupt("flow %d does not sort after flow %d", i, i-1)
		}
	}
	return nil
}

// compareRows compares the keys of two flows. Most comparisons need only the indices of the names.
func (b *Batch) compareRows(i, k int) int {
	for _, column := range [...][]uint32{b.Src, b.Dest, b.VPC} {
		if column[i] != column[k] {
			return strings.Compare(b.Names[column[i]], b.Names[column[k]])
		}
	}
	return 0
}
