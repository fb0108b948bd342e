package pack

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"sync"

	"flowring/flow"
	"flowring/flow/field"
	"flowring/internal/encoded"
)

// The limits of a pack.
const (
	MostBatches = 256 // also the span of the seqs
	MostFlows   = 64  // of a batch
)

// ErrMalformed is the error of bytes other than the encoding of a pack.
var ErrMalformed = errors.New("malformed pack")

// The encoding of a pack. Numbers of a fixed width are big endian, and the other ones are uvarints in their shortest
// form:
//
//	kind (1 byte, 'P') | CRC-32C of all bytes behind it (4) | hour (8) | slice (4) | origin (8) | first seq (8)
//	batches - 1 (1)
//	per batch:   uvarint seqs between the batch before and this one, 0 for the first one
//	             identity (1): 0 none, 1 an ID, 2 a Key, 3 both | the ID (16) | the Key (16) | uvarint flows
//	the names:   uvarint names | a uvarint length for each | the names without anything between them
//	the columns: source, destination and VPC as indices of the names, bytes sent and bytes received, each column of
//	             all batches together
//
// The names are distinct, and in the order of their first appearance in the columns, row by row.
const (
	kind     = 'P'
	sumStart = 1
	sumEnd   = sumStart + 4
	fixedLen = 8 + 4 + 8 + 8 + 1

	hasID, hasKey = 1, 2
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Is reports whether a value or a frame is a pack.
func Is(data []byte) bool { return len(data) > 0 && data[0] == kind }

// packer has the working memory of Append.
type packer struct {
	numbers map[string]uint32 // of the names
	names   []string
	columns [3][]uint32
}

var packers = sync.Pool{New: func() any { return &packer{numbers: make(map[string]uint32)} }}

// Append appends the pack of a run to dst. The batches are in the order of their seqs.
func Append(dst []byte, run []*flow.Batch) []byte {
	p := packers.Get().(*packer)
	defer p.release()
	start, first := len(dst), run[0]
	dst = append(dst, kind, 0, 0, 0, 0)
	dst = binary.BigEndian.AppendUint64(dst, uint64(first.Slice.Hour))
	dst = binary.BigEndian.AppendUint32(dst, first.Slice.Index)
	dst = binary.BigEndian.AppendUint64(dst, first.Dot.Origin)
	dst = binary.BigEndian.AppendUint64(dst, first.Dot.Seq)
	dst = append(dst, byte(len(run)-1))
	before := first.Dot.Seq - 1
	for _, b := range run {
		dst = appendIdentity(binary.AppendUvarint(dst, b.Dot.Seq-before-1), b)
		dst = binary.AppendUvarint(dst, uint64(b.Len()))
		before = b.Dot.Seq
		p.add(b)
	}
	dst = p.appendNames(dst)
	for _, column := range p.columns {
		dst = appendColumn(dst, column)
	}
	for _, b := range run {
		dst = appendColumn(dst, b.Tx)
	}
	for _, b := range run {
		dst = appendColumn(dst, b.Rx)
	}
	setSum(dst[start:])
	return dst
}

// setSum sets the checksum of a pack.
func setSum(pack []byte) {
	binary.BigEndian.PutUint32(pack[sumStart:], crc32.Checksum(pack[sumEnd:], castagnoli))
}

func appendIdentity(dst []byte, b *flow.Batch) []byte {
	at := len(dst)
	dst = append(dst, 0)
	if !b.ID.IsZero() {
		dst[at] |= hasID
		dst = append(dst, b.ID[:]...)
	}
	if !b.Key.IsZero() {
		dst[at] |= hasKey
		dst = append(dst, b.Key[:]...)
	}
	return dst
}

// add numbers the names of a batch. They are in the order of their first appearance, so those of all batches are, too.
func (p *packer) add(b *flow.Batch) {
	from := len(p.columns[0])
	for i, column := range [...][]uint32{b.Src, b.Dest, b.VPC} {
		p.columns[i] = append(p.columns[i], column...)
	}
	numbers := make([]uint32, 0, 3*MostFlows)
	for _, name := range b.Names {
		n, known := p.numbers[name]
		if !known {
			n = uint32(len(p.names))
			p.numbers[name], p.names = n, append(p.names, name)
		}
		numbers = append(numbers, n)
	}
	for _, column := range p.columns {
		for i, local := range column[from:] {
			column[from+i] = numbers[local]
		}
	}
}

func (p *packer) appendNames(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(p.names)))
	for _, name := range p.names {
		dst = binary.AppendUvarint(dst, uint64(len(name)))
	}
	for _, name := range p.names {
		dst = append(dst, name...)
	}
	return dst
}

func (p *packer) release() {
	clear(p.numbers)
	clear(p.names)
	p.names = p.names[:0]
	for i := range p.columns {
		p.columns[i] = p.columns[i][:0]
	}
	packers.Put(p)
}

func appendColumn[T uint32 | int64](dst []byte, column []T) []byte {
	for _, v := range column {
		dst = binary.AppendUvarint(dst, uint64(v))
	}
	return dst
}

// Parse takes a pack apart. It accepts only the output of Append, and the batches keep no part of data. Its memory is
// proportional to len(data), whatever counts data contains (P16). Its errors wrap ErrMalformed.
func Parse(data []byte) ([]flow.Batch, error) {
	p := parser{Reader: encoded.NewReader(data)}
	batches := p.parse(data)
	if err := p.End(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return batches, nil
}

// parser reads a pack.
type parser struct {
	encoded.Reader
	batches []flow.Batch
	flows   int // of all batches
}

func (p *parser) parse(data []byte) []flow.Batch {
	if p.Version(kind); p.Err() == nil && len(data) < sumEnd+fixedLen {
		p.Fail("%d bytes are too few", len(data))
	}
	if p.Err() != nil {
		return nil
	}
	want := binary.BigEndian.Uint32(p.Take(sumEnd - sumStart))
	if got := crc32.Checksum(data[sumEnd:], castagnoli); got != want {
		p.Fail("checksum is %08x, not %08x", got, want)
		return nil
	}
	p.heads()
	names := p.Names()
	p.checkNames(names)
	if p.Err() == nil {
		p.columns(names)
	}
	return p.batches
}

// heads reads all of the batches but their rows.
func (p *parser) heads() {
	fixed := p.Take(fixedLen)
	slice := flow.Slice{Hour: flow.Hour(binary.BigEndian.Uint64(fixed)), Index: binary.BigEndian.Uint32(fixed[8:])}
	origin, first := binary.BigEndian.Uint64(fixed[12:]), binary.BigEndian.Uint64(fixed[20:])
	p.batches = make([]flow.Batch, int(fixed[28])+1)
	offset, rows := uint64(0), make([]int, len(p.batches))
	for i := range p.batches {
		offset += p.upTo(MostBatches, "seqs between two batches")
		if i == 0 && offset != 0 || offset >= MostBatches || first > math.MaxUint64-offset {
			p.Fail("batch %d has the seq %d behind the first one", i, offset)
			return
		}
		b := &p.batches[i]
		b.Slice, b.Dot = slice, flow.Dot{Origin: origin, Seq: first + offset}
		p.identity(b)
		rows[i] = int(p.upTo(MostFlows, "flows"))
		p.flows += rows[i]
		offset++
	}
	if slices.Contains(rows, 0) {
		p.Fail("a batch without flows")
	}
	if p.flows > len(p.Left())/5 {
		p.Fail("%d flows do not fit into %d bytes", p.flows, len(p.Left()))
	}
	if p.Err() == nil {
		p.cut(rows)
	}
}

// upTo reads a number of at most limit.
func (p *parser) upTo(limit uint64, part string) uint64 {
	v := p.Uvarint()
	if v > limit {
		p.Fail("%d %s, at most %d", v, part, limit)
		return 0
	}
	return v
}

func (p *parser) identity(b *flow.Batch) {
	has := p.Byte(hasID | hasKey)
	if has&hasID != 0 {
		b.ID = p.hash()
	}
	if has&hasKey != 0 {
		b.Key = p.hash()
	}
}

// hash reads an ID or a Key, which is not zero.
func (p *parser) hash() (id flow.ID) {
	copy(id[:], p.Take(uint64(len(id))))
	if id.IsZero() {
		p.Fail("an identity of zeros")
	}
	return id
}

// cut gives each batch the memory of its rows.
func (p *parser) cut(rows []int) {
	indices, sums := make([]uint32, 3*p.flows), make([]int64, 2*p.flows)
	from := 0
	for i, n := range rows {
		b, to := &p.batches[i], from+n
		b.Src, b.Dest, b.VPC = indices[from:to:to], indices[p.flows+from:p.flows+to], indices[2*p.flows+from:2*p.flows+to]
		b.Tx, b.Rx = sums[from:to:to], sums[p.flows+from:p.flows+to]
		from = to
	}
}

// checkNames verifies that the names are valid and distinct.
func (p *parser) checkNames(names []string) {
	seen := make(map[string]struct{}, len(names))
	for i, name := range names {
		if fault := field.NameFault(name); fault != "" {
			p.Fail("name %d %s", i, fault)
		}
		seen[name] = struct{}{}
	}
	if len(names) == 0 || len(seen) < len(names) {
		p.Fail("%d names, of which %d are distinct", len(names), len(seen))
	}
}

// columns reads the rows of the batches and gives each batch names of its own.
func (p *parser) columns(names []string) {
	column := func(of func(*flow.Batch) []uint32) {
		for i := range p.batches {
			for k := range of(&p.batches[i]) {
				of(&p.batches[i])[k] = uint32(p.upTo(uint64(len(names))-1, "as the index of a name"))
			}
		}
	}
	column(func(b *flow.Batch) []uint32 { return b.Src })
	column(func(b *flow.Batch) []uint32 { return b.Dest })
	column(func(b *flow.Batch) []uint32 { return b.VPC })
	for i := range p.batches {
		p.sums(p.batches[i].Tx)
	}
	for i := range p.batches {
		p.sums(p.batches[i].Rx)
	}
	if p.Err() == nil {
		p.localize(names)
	}
}

func (p *parser) sums(column []int64) {
	for i := range column {
		column[i] = int64(p.upTo(math.MaxInt64, "bytes of a flow"))
	}
}

// localize replaces the indices of the shared names by those of each batch's own names, and verifies the order of the
// names, their use, and that the flows of a batch are distinct.
func (p *parser) localize(names []string) {
	local := make([]uint32, len(names)) // the index in the batch plus 1; 0: not in the batch
	used := make([]uint32, 0, 3*MostFlows)
	next := uint32(0)
	for i := range p.batches {
		b := &p.batches[i]
		used = used[:0]
		for row := range b.Src {
			for _, at := range [...]*uint32{&b.Src[row], &b.Dest[row], &b.VPC[row]} {
				name := *at
				if name > next {
					p.Fail("name %d is used before name %d", name, next)
					return
				}
				next = max(next, name+1)
				if local[name] == 0 {
					used = append(used, name)
					local[name] = uint32(len(used))
				}
				*at = local[name] - 1
			}
		}
		b.Names = make([]string, len(used))
		for k, name := range used {
			b.Names[k], local[name] = names[name], 0
		}
		if !distinct(b) {
			p.Fail("a flow is in a batch twice")
			return
		}
	}
	if int(next) < len(names) {
		p.Fail("name %d is never used", next)
	}
}

// few is the number of flows up to which the comparison of all pairs is cheaper than a table.
const few = 8

// distinct reports whether the flows of a batch are.
func distinct(b *flow.Batch) bool {
	if b.Len() <= few {
		for i := range b.Src {
			for k := range i {
				if b.Src[i] == b.Src[k] && b.Dest[i] == b.Dest[k] && b.VPC[i] == b.VPC[k] {
					return false
				}
			}
		}
		return true
	}
	seen := make(map[[3]uint32]struct{}, b.Len())
	for i := range b.Src {
		seen[[3]uint32{b.Src[i], b.Dest[i], b.VPC[i]}] = struct{}{}
	}
	return len(seen) == b.Len()
}
