package encoded

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"testing"
)

func TestNumbersAreReadAsWritten(t *testing.T) {
	for _, v := range []uint64{0, 1, 127, 128, 16383, 16384, 1<<63 - 1, 1 << 63, math.MaxUint64} {
		r := NewReader(binary.AppendUvarint(nil, v))
		if got := r.Uvarint(); got != v || r.End() != nil {
			t.Errorf("Uvarint = %d, %v, want %d", got, r.Err(), v)
		}
		signed := int64(v)
		r = NewReader(binary.AppendVarint(nil, signed))
		if got := r.Varint(); got != signed || r.End() != nil {
			t.Errorf("Varint = %d, %v, want %d", got, r.Err(), signed)
		}
	}
}

// A fault leaves nothing to read, and the first one counts (P16).
func TestFaultsEndTheReading(t *testing.T) {
	for _, tt := range []struct {
		name string
		data []byte
		read func(r *Reader)
		want string
	}{
		{"no number", nil, func(r *Reader) { r.Uvarint() }, "a number that is cut short, too large or not in its shortest form"},
		{"a number that is cut short", []byte{0x80}, func(r *Reader) { r.Uvarint() }, "a number that is cut short, too large or not in its shortest form"},
		{"a number in a longer form", []byte{0x80, 0}, func(r *Reader) { r.Uvarint() }, "a number that is cut short, too large or not in its shortest form"},
		{
			"a number over 2^64-1", append(bytes.Repeat([]byte{0xff}, 9), 2), func(r *Reader) { r.Varint() },
			"a number that is cut short, too large or not in its shortest form",
		},
		{"a byte over its limit", []byte{3}, func(r *Reader) { r.Byte(2) }, "a byte of 3, at most 2"},
		{"another version", []byte{7}, func(r *Reader) { r.Version(1) }, "version 7, this program reads version 1"},
		{"no version", nil, func(r *Reader) { r.Version(1) }, "1 bytes where 0 are left"},
		{"no byte", nil, func(r *Reader) { r.Byte(255) }, "1 bytes where 0 are left"},
		{"a count over the bytes", []byte{2, 0, 0, 0}, func(r *Reader) { r.Count(2) }, "a count of 2 where 3 bytes are left"},
		{"a text over the bytes", []byte{2, 'a'}, func(r *Reader) { r.Text() }, "2 bytes where 1 are left"},
		{"names over the bytes", []byte{2, 1, 1, 'a'}, func(r *Reader) { r.Names() }, "2 bytes where 1 are left"},
		{"bytes behind the end", []byte{1, 2}, func(r *Reader) { r.Uvarint() }, "1 bytes behind the end"},
		{"a fault of the caller", []byte{1}, func(r *Reader) { r.Fail("name %d is unknown", 7) }, "name 7 is unknown"},
	} {
		r := NewReader(tt.data)
		tt.read(&r)
		if err := r.End(); err == nil || err.Error() != tt.want {
			t.Errorf("%s: End = %v, want %q", tt.name, err, tt.want)
		}
		if r.Fail("a later fault"); r.Err().Error() != tt.want || len(r.Left()) > 0 || r.Varint() != 0 || r.Text() != nil || r.Names() != nil {
			t.Errorf("%s: a reader with the fault %v reads on", tt.name, r.Err())
		}
	}
}

// Names that are accepted are written as the same bytes, and cost no more memory than the bytes allow (P16).
func FuzzNames(f *testing.F) {
	f.Add([]byte{0})
	f.Add([]byte{2, 1, 3, 'a', 'b', 'c', 'd'})
	f.Add(binary.AppendUvarint(nil, math.MaxUint64))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := NewReader(data)
		names := r.Names()
		if cap(names) > len(data) {
			t.Errorf("room for %d names in %d bytes", cap(names), len(data))
		}
		if r.End() != nil {
			return
		}
		again := binary.AppendUvarint(nil, uint64(len(names)))
		for _, name := range names {
			again = binary.AppendUvarint(again, uint64(len(name)))
		}
		for _, name := range names {
			again = append(again, name...)
		}
		if !slices.Equal(again, data) {
			t.Errorf("%q, written again, are %x, want %x", names, again, data)
		}
	})
}
