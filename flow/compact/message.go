package compact

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"strings"

	"flowring/flow"
	"flowring/flow/field"
)

// The types of fields on the wire.
const (
	varint  = 0
	fixed64 = 1
	bytes   = 2
	fixed32 = 5
)

// The numbers of the fields in records.proto.
const (
	namesField  = 1
	firstColumn = 2 // src_app; the columns have the order of package field
	flowField   = 8
)

// tops are the top bits of eight bytes.
const tops = 0x8080808080808080

// message is a body, cut into its fields. It keeps parts of the body.
type message struct {
	body    []byte
	names   []span
	columns [field.Count]column
	flowOf  column // the flow of each record, as an index of 4 bytes; empty: record i has flow i
	flows   int
	oneHour bool // the column of hours has one hour, that of all records
	most    int  // names
}

// span is the part of the body with a name. A slice of slices would be more work for the garbage collector.
type span struct{ start, size uint32 }

// name returns a name.
func (m *message) name(index uint32) []byte {
	s := m.names[index]
	return m.body[s.start:][:s.size]
}

// texts returns all names. They share one backing string.
func (m *message) texts() []string {
	size := 0
	for _, n := range m.names {
		size += int(n.size)
	}
	var all strings.Builder
	all.Grow(size)
	for i := range m.names {
		all.Write(m.name(uint32(i)))
	}
	rest, names := all.String(), make([]string, len(m.names))
	for i, n := range m.names {
		names[i], rest = rest[:n.size], rest[n.size:]
	}
	return names
}

// column has the numbers of one field, of a fixed width or as varints.
type column struct {
	text []byte // a part of the body, or own
	own  []byte // the memory for a column that is in several parts of the body
}

// add adds numbers behind the others.
func (c *column) add(numbers []byte) {
	if len(c.text) == 0 {
		c.text = numbers
		return
	}
	if len(c.own) == 0 {
		c.own = append(c.own, c.text...)
	}
	c.own = append(c.own, numbers...)
	c.text = c.own
}

// widthOf returns the number of bytes of each number of a column; 0: they are varints.
func widthOf(f field.Field) int { return [field.Count]int{4, 4, 4, 8, 8, 0}[f] }

// count returns the number of numbers. ok is false if the last one is cut off.
func (c *column) count(width int) (n int, ok bool) {
	if width > 0 {
		return len(c.text) / width, len(c.text)%width == 0
	}
	rest := c.text
	for ; len(rest) >= 8; rest = rest[8:] { // the last byte of each varint has no top bit
		n += bits.OnesCount64(^binary.LittleEndian.Uint64(rest) & tops)
	}
	for _, b := range rest {
		if b < 0x80 {
			n++
		}
	}
	return n, len(c.text) == 0 || c.text[len(c.text)-1] < 0x80
}

// reset empties the message.
func (m *message) reset(most int) {
	*m = message{names: m.names[:0], columns: m.columns, flowOf: column{own: m.flowOf.own[:0]}, most: most}
	for i := range m.columns {
		m.columns[i] = column{own: m.columns[i].own[:0]}
	}
}

// read cuts body into its fields.
func (m *message) read(body []byte) error {
	m.body = body
	for rest := body; len(rest) > 0; {
		at := len(body) - len(rest)
		if len(rest) > 1 && rest[0] == namesField<<3|bytes && int(rest[1]) < min(0x80, len(rest)-1) && len(m.names) < m.most {
			m.names = append(m.names, span{uint32(at + 2), uint32(rest[1])}) // a name of less than 128 bytes
			rest = rest[2+rest[1]:]
			continue
		}
		tag, n := binary.Uvarint(rest)
		if n <= 0 || tag>>3 == 0 || tag>>3 > 1<<29-1 {
			return malformed(at, "has no field of protobuf")
		}
		value, after, ok := cut(rest[n:], int(tag&7))
		if !ok {
			return malformed(at, "has a field that is cut off, or of an unknown type")
		}
		rest = after
		if tag == namesField<<3|bytes && len(m.names) < m.most {
			m.names = append(m.names, span{uint32(len(body) - len(after) - len(value)), uint32(len(value))})
			continue
		}
		if err := m.take(int(tag>>3), int(tag&7), value, at); err != nil {
			return err
		}
	}
	return nil
}

// cut cuts the value of a field off: its bytes, without the length before them.
func cut(text []byte, kind int) (value, rest []byte, ok bool) {
	n := 0
	switch kind {
	case varint:
		_, n = binary.Uvarint(text)
	case fixed64:
		n = 8
	case fixed32:
		n = 4
	case bytes:
		length, size := binary.Uvarint(text)
		if size <= 0 || length > uint64(len(text)-size) {
			return nil, nil, false
		}
		text, n = text[size:], int(length)
		return text[:n], text[n:], true
	}
	if n <= 0 || n > len(text) {
		return nil, nil, false
	}
	return text[:n], text[n:], true
}

// take takes the value of a field at an offset of the body.
func (m *message) take(number, kind int, value []byte, at int) error {
	f := field.Field(number - firstColumn)
	switch {
	case number == namesField && kind == bytes:
		return fmt.Errorf("%w: the body has more than %d names", flow.ErrTooManyRecords, m.most)
	case number == namesField:
		return malformed(at, "has the field names, which is not of the type string")
	case number == flowField && (kind == bytes || kind == fixed32):
		m.flowOf.add(value)
	case number == flowField:
		return malformed(at, "has the field flow, whose type is another than that of records.proto")
	case f < 0 || f >= field.Unknown: // of a later version, or of the sender
	case kind == bytes, kind == typeOf(f):
		m.columns[f].add(value)
	default:
		return malformed(at, fmt.Sprintf("has the field %s, whose type is another than that of records.proto", f))
	}
	return nil
}

// typeOf returns the type of the numbers of a column.
func typeOf(f field.Field) int {
	switch widthOf(f) {
	case 4:
		return fixed32
	case 8:
		return fixed64
	}
	return varint
}

// records returns the number of records.
func (m *message) records() (n int, err error) {
	var counts [field.Count]int
	for i := range m.columns {
		var ok bool
		if counts[i], ok = m.columns[i].count(widthOf(field.Field(i))); !ok {
			return 0, bodyFault("the column %s ends within a number", field.Field(i))
		}
	}
	m.flows, n = counts[field.SrcApp], counts[field.SrcApp]
	of := field.SrcApp.String()
	if len(m.flowOf.text) > 0 {
		var ok bool
		if n, ok = m.flowOf.count(4); !ok {
			return 0, bodyFault("the column flow ends within a number")
		}
		of = "flow"
	}
	for i, got := range counts {
		f, want, as := field.Field(i), n, of
		if f <= field.VPCID {
			want, as = m.flows, field.SrcApp.String()
		}
		m.oneHour = f == field.Hour && got == 1
		if got != want && !m.oneHour {
			return 0, bodyFault("the columns must have equal lengths, got %d of %s and %d of %s", want, as, got, f)
		}
	}
	if n == 0 {
		return 0, bodyFault("the body has no records")
	}
	return n, nil
}

// hours returns the hours of the next records. It is false for a number of more than 64 bits.
func (m *message) hours(to []uint64) bool {
	c := &m.columns[field.Hour]
	if !m.oneHour {
		return c.next(to)
	}
	hour, n := binary.Uvarint(c.text)
	for i := range to {
		to[i] = hour
	}
	return n > 0
}

func malformed(at int, reason string) error { return bodyFault("the body %s at byte %d", reason, at) }

func bodyFault(format string, args ...any) error {
	return &flow.RecordError{Index: -1, Reason: fmt.Sprintf(format, args...), Syntax: flow.Protobuf}
}

// next decodes the next varints. It returns false for a number of more than 64 bits. The column must have so many.
func (c *column) next(to []uint64) bool {
	text, at := c.text, 0
	for i := range to {
		if len(text)-at >= 8 {
			word := binary.LittleEndian.Uint64(text[at:])
			if word&0x80 == 0 {
				to[i] = word & 0x7f
				at++
				continue
			}
			if ends := ^word & tops; ends != 0 {
				to[i] = packed(word & (ends ^ (ends - 1)))
				at += bits.TrailingZeros64(ends)/8 + 1
				continue
			}
		}
		v, n := binary.Uvarint(text[at:])
		if n <= 0 {
			return false
		}
		to[i] = v
		at += n
	}
	c.text = text[at:]
	return true
}

// packed returns the number of a varint of up to 8 bytes. It joins the low 7 bits of pairs of bytes, then of pairs of
// these, and so on.
func packed(word uint64) uint64 {
	word = word&0x007f007f007f007f | word&0x7f007f007f007f00>>1
	word = word&0x00003fff00003fff | word&0x3fff00003fff0000>>2
	return word&0x000000000fffffff | word&0x0fffffff00000000>>4
}
