package aggregate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"math"
	"slices"

	"flowring/flow/query"
	"flowring/internal/encoded"
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
	p := frameParser{
		Reader: encoded.NewReader(data), fields: fields, timed: fields.Has(query.Hour) || fields.Has(query.Day),
	}
	p.readHead()
	p.readNames()
	n := p.Count(2)
	if n == 0 {
		p.Fail("no groups")
	}
	dst = slices.Grow(dst, n)
	for range n {
		if p.Err() != nil {
			break
		}
		dst = append(dst, p.row())
	}
	if p.unused > 0 {
		p.Fail("%d names without use", p.unused)
	}
	if err := p.End(); err != nil {
		return dst, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return dst, nil
}

// frameParser reads the groups of a frame.
type frameParser struct {
	encoded.Reader
	fields query.Fields
	timed  bool
	names  []string
	used   []bool // of names
	unused int    // number of names without use so far
}

// readHead reads the version, the checksum and the fields, which must be those of the query.
func (p *frameParser) readHead() {
	p.Version(frameVersion)
	sum := p.Take(frameStart - 1)
	if p.Err() == nil && crc32.Checksum(p.Left(), castagnoli) != binary.BigEndian.Uint32(sum) {
		p.Fail("wrong checksum")
	}
	if got := p.Byte(math.MaxUint8); got != byte(p.fields) {
		p.Fail("the groups have the fields %#x, want %#x", got, p.fields)
	}
}

// readNames reads the names, which must be in order.
func (p *frameParser) readNames() {
	p.names = p.Names()
	for i := 1; i < len(p.names); i++ {
		if p.names[i-1] >= p.names[i] {
			p.Fail("names are not in order")
		}
	}
	p.used, p.unused = make([]bool, len(p.names)), len(p.names)
}

// row reads a group.
func (p *frameParser) row() (r query.Row) {
	if p.timed {
		r.Time = p.Varint()
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
	i := p.Uvarint()
	if i >= uint64(len(p.names)) {
		p.Fail("name %d of %d", i, len(p.names))
		return ""
	}
	if !p.used[i] {
		p.used[i] = true
		p.unused--
	}
	return p.names[i]
}

// sumBytes is the size of the longest sum.
const sumBytes = (128 + 6) / 7

func (p *frameParser) sum() (s query.Sum) {
	left := p.Left()
	for i, b := range left[:min(len(left), sumBytes)] {
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
			p.Take(uint64(i) + 1)
			return s
		}
	}
	p.Fail("a sum that is cut short, too large or not in its shortest form")
	return query.Sum{}
}
