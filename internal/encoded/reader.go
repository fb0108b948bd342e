package encoded

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
)

// Reader reads the parts of an encoding, from its beginning.
type Reader struct {
	left []byte
	err  error
}

// NewReader returns a reader of data.
func NewReader(data []byte) Reader { return Reader{left: data} }

// Left returns the bytes that are not read yet.
func (r *Reader) Left() []byte { return r.left }

// Err returns the first fault.
func (r *Reader) Err() error { return r.err }

// End returns the first fault. Bytes that are not read yet are one.
func (r *Reader) End() error {
	if len(r.left) > 0 {
		r.Fail("%d bytes behind the end", len(r.left))
	}
	return r.err
}

// Fail notes a fault that the caller has found.
func (r *Reader) Fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
	r.left = nil
}

// Take reads n bytes, which are a part of the data.
func (r *Reader) Take(n uint64) []byte {
	if n > uint64(len(r.left)) {
		r.Fail("%d bytes where %d are left", n, len(r.left))
		return nil
	}
	taken := r.left[:n:n]
	r.left = r.left[n:]
	return taken
}

// Version reads the version of the encoding, a byte, which must be the one that the program reads.
func (r *Reader) Version(reads byte) {
	if v := r.Byte(math.MaxUint8); v != reads {
		r.Fail("version %d, this program reads version %d", v, reads)
	}
}

// Byte reads a byte of at most the given value.
func (r *Reader) Byte(most byte) byte {
	b := r.Take(1)
	if len(b) == 0 {
		return 0
	}
	if b[0] > most {
		r.Fail("a byte of %d, at most %d", b[0], most)
		return 0
	}
	return b[0]
}

// Uvarint reads a number.
func (r *Reader) Uvarint() uint64 {
	if len(r.left) > 0 && r.left[0] < 0x80 { // most numbers
		v := r.left[0]
		r.left = r.left[1:]
		return uint64(v)
	}
	return r.longUvarint()
}

func (r *Reader) longUvarint() uint64 {
	v, n := binary.Uvarint(r.left)
	if n != (bits.Len64(v)+6)/7 || n == 0 {
		r.Fail("a number that is cut short, too large or not in its shortest form")
		return 0
	}
	r.left = r.left[n:]
	return v
}

// Varint reads a number with a sign.
func (r *Reader) Varint() int64 {
	v := r.Uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// Count reads the number of the parts that follow, each of at least size bytes.
func (r *Reader) Count(size int) int {
	n := r.Uvarint()
	if n > uint64(len(r.left)/size) {
		r.Fail("a count of %d where %d bytes are left", n, len(r.left))
		return 0
	}
	return int(n)
}

// Text reads a text, which is a part of the data.
func (r *Reader) Text() []byte { return r.Take(r.Uvarint()) }

// Names reads a table of names. The names share one string of their own.
func (r *Reader) Names() []string {
	lengths, total := make([]int, r.Count(1)), uint64(0)
	for i := range lengths {
		lengths[i] = r.Count(1)
		total += uint64(lengths[i])
	}
	all := string(r.Take(total))
	if r.err != nil {
		return nil
	}
	names := make([]string, len(lengths))
	for i, length := range lengths {
		names[i], all = all[:length], all[length:]
	}
	return names
}
