package aggregate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"math/bits"
	"slices"
	"strings"

	"flowring/flow/query"
)

// ErrMalformed is the error of bytes other than a frame of the query.
var ErrMalformed = errors.New("malformed frame of groups")

// A frame has successive groups of a query; its uvarints are in their shortest form:
//
//	version (1 byte, 1) | CRC-32C of the rest (4, big endian) | fields of a group (1)
//	uvarint n: number of names | n uvarints: their lengths | the names, in the order of their bytes, each used
//	uvarint number of groups, at least 1
//	per group: varint time | uvarints of the names of the grouped fields, as indices | uvarint tx | uvarint rx
//
// The time is there only if hour or day is a field. A sum may have up to 128 bits.
const (
	frameVersion = 1
	frameStart   = 1 + 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Frames yields the groups in the order of the query, in frames of about the given number of bytes. A frame is valid
// until the next one.
func (g *Groups) Frames(size int) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		w := frameWriter{g: g, rank: make([]uint32, len(g.names.list)), index: make([]uint32, len(g.names.list))}
		wanted := g.wanted()
		for i, number := range g.names.sorted() {
			w.rank[number] = uint32(i)
		}
		for len(wanted) > 0 {
			n := w.take(wanted, size)
			if !yield(w.frame(wanted[:n])) {
				return
			}
			wanted = wanted[n:]
		}
	}
}

// frameWriter writes frames.
type frameWriter struct {
	g     *Groups
	rank  []uint32 // of each name
	index []uint32 // of each name: its index in the frame, plus 1; 0: the frame lacks it
	used  []uint32 // the numbers of the names in the frame
	data  []byte
}

// rowBytes is the usual size of a group in a frame, without its names.
const rowBytes = 16

// take collects the names of as many groups as fit into a frame, at least one, and returns their number.
func (w *frameWriter) take(slots []uint32, size int) int {
	w.used = w.used[:0]
	n, bytes := 0, 0
	for n < len(slots) && (n == 0 || bytes < size) {
		bytes += rowBytes
		s := &w.g.index.slots[slots[n]]
		for _, number := range [...]uint32{uint32(s.key[0] >> 32), uint32(s.key[0]), uint32(s.key[1] >> 32)} {
			if number > 0 && w.index[number] == 0 {
				w.index[number] = 1
				w.used = append(w.used, number)
				bytes += len(w.g.names.list[number]) + 1
			}
		}
		n++
	}
	slices.SortFunc(w.used, func(a, b uint32) int { return int(w.rank[a]) - int(w.rank[b]) })
	return n
}

// frame writes the groups whose names take has collected.
func (w *frameWriter) frame(slots []uint32) []byte {
	names := w.g.names.list
	data := append(w.data[:0], frameVersion, 0, 0, 0, 0, byte(w.g.fields))
	data = binary.AppendUvarint(data, uint64(len(w.used)))
	for i, number := range w.used {
		w.index[number] = uint32(i) + 1
		data = binary.AppendUvarint(data, uint64(len(names[number])))
	}
	for _, number := range w.used {
		data = append(data, names[number]...)
	}
	data = binary.AppendUvarint(data, uint64(len(slots)))
	timed := w.g.fields.Has(query.Hour) || w.g.fields.Has(query.Day)
	for _, at := range slots {
		s := &w.g.index.slots[at]
		if timed {
			data = binary.AppendVarint(data, w.g.times.list[uint32(s.key[1])])
		}
		for _, number := range [...]uint32{uint32(s.key[0] >> 32), uint32(s.key[0]), uint32(s.key[1] >> 32)} {
			if number > 0 {
				data = binary.AppendUvarint(data, uint64(w.index[number]-1))
			}
		}
		tx, rx := w.g.index.sums(s)
		data = appendSum(appendSum(data, tx), rx)
	}
	for _, number := range w.used {
		w.index[number] = 0
	}
	binary.BigEndian.PutUint32(data[1:], crc32.Checksum(data[frameStart:], castagnoli))
	w.data = data
	return data
}

func appendSum(dst []byte, s query.Sum) []byte {
	for s.High > 0 {
		dst = append(dst, byte(s.Low)|0x80)
		s.Low = s.Low>>7 | s.High<<57
		s.High >>= 7
	}
	return binary.AppendUvarint(dst, s.Low)
}

// ParseFrame appends the groups of a frame to dst. It accepts only the output of Frames for the query, apart from the
// order of the groups. It retains nothing of data, and its memory is proportional to the length of data (P16). Its
// errors wrap ErrMalformed.
func ParseFrame(spec *query.Spec, data []byte, dst []query.Row) ([]query.Row, error) {
	fields := spec.Streamed()
	if len(data) <= frameStart || data[0] != frameVersion || data[frameStart] != byte(fields) {
		return dst, fmt.Errorf("%w: %d bytes, not of version %d and of the fields of the query", ErrMalformed, len(data), frameVersion)
	}
	if crc32.Checksum(data[frameStart:], castagnoli) != binary.BigEndian.Uint32(data[1:]) {
		return dst, fmt.Errorf("%w: wrong checksum", ErrMalformed)
	}
	p := frameParser{rest: data[frameStart+1:], fields: fields, timed: fields.Has(query.Hour) || fields.Has(query.Day)}
	p.readNames()
	n := p.count(2)
	if n == 0 {
		p.fail()
	}
	dst = slices.Grow(dst, n)
	for range n {
		if p.failed {
			break
		}
		dst = append(dst, p.row())
	}
	if p.failed || len(p.rest) > 0 || p.unused > 0 {
		return dst, fmt.Errorf("%w: %d bytes, %d of them not read", ErrMalformed, len(data), len(p.rest))
	}
	return dst, nil
}

// frameParser reads from rest. After its first fault it reads zeros.
type frameParser struct {
	rest   []byte
	failed bool
	fields query.Fields
	timed  bool
	names  []string
	used   []bool // of names
	unused int    // number of names without use so far
}

func (p *frameParser) fail() { p.failed, p.rest = true, nil }

// readNames reads the names, which must be in order.
func (p *frameParser) readNames() {
	n := p.count(1)
	lengths, total := make([]int, n), 0
	for i := range lengths {
		lengths[i] = p.count(1)
		total += lengths[i] // at most len(p.rest) for each name, so it cannot overflow
	}
	if total > len(p.rest) {
		p.fail()
		return
	}
	all := string(p.rest[:total])
	p.rest = p.rest[total:]
	p.names, p.used, p.unused = make([]string, n), make([]bool, n), n
	for i, length := range lengths {
		p.names[i], all = all[:length], all[length:]
		if i > 0 && strings.Compare(p.names[i-1], p.names[i]) >= 0 {
			p.fail()
			return
		}
	}
}

// row reads a group.
func (p *frameParser) row() (r query.Row) {
	if p.timed {
		r.Time = p.varint()
	}
	if p.fields.Has(query.SrcApp) {
		r.Src = p.name()
	}
	if p.fields.Has(query.DestApp) {
		r.Dest = p.name()
	}
	if p.fields.Has(query.VPCID) {
		r.VPC = p.name()
	}
	r.Tx, r.Rx = p.sum(), p.sum()
	return r
}

func (p *frameParser) name() string {
	i := p.uvarint()
	if i >= uint64(len(p.names)) {
		p.fail()
		return ""
	}
	if !p.used[i] {
		p.used[i] = true
		p.unused--
	}
	return p.names[i]
}

// count reads the number of the following elements, each of at least size bytes.
func (p *frameParser) count(size int) int {
	n := p.uvarint()
	if n > uint64(len(p.rest)/size) {
		p.fail()
		return 0
	}
	return int(n)
}

func (p *frameParser) uvarint() uint64 {
	if len(p.rest) > 0 && p.rest[0] < 0x80 { // most numbers
		v := p.rest[0]
		p.rest = p.rest[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(p.rest)
	if n <= 0 || n != (bits.Len64(v|1)+6)/7 {
		p.fail()
		return 0
	}
	p.rest = p.rest[n:]
	return v
}

func (p *frameParser) varint() int64 {
	v := p.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// sumBytes is the size of the longest sum.
const sumBytes = (128 + 6) / 7

func (p *frameParser) sum() (s query.Sum) {
	for i, b := range p.rest[:min(len(p.rest), sumBytes)] {
		v, shift := uint64(b&0x7f), 7*i
		switch {
		case shift < 64:
			s.Low |= v << shift
			s.High |= v >> (64 - shift) // no bit for a small shift
		default:
			s.High |= v << (shift - 64)
		}
		if b < 0x80 {
			if i > 0 && b == 0 || i == sumBytes-1 && b > 3 {
				break
			}
			p.rest = p.rest[i+1:]
			return s
		}
	}
	p.fail()
	return query.Sum{}
}
