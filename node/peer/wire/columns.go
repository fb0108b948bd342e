package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"flowring/flow"
	"flowring/internal/encoded"
)

// The bodies of the frames of columns, behind a byte with the kind:
//
//	names    uvarint number of names | their lengths as uvarints | the names
//	columns  uvarint number of flows | for src, dest, vpc, tx and rx: width(1) | numbers of so many bytes, little endian
const (
	kindNames   = 'n'
	kindColumns = 'c'
)

var errMalformed = errors.New("malformed part of a slice")

// appendNames appends a frame body of names.
func appendNames(dst []byte, names []string) []byte {
	dst = binary.AppendUvarint(append(dst, kindNames), uint64(len(names)))
	for _, name := range names {
		dst = binary.AppendUvarint(dst, uint64(len(name)))
	}
	for _, name := range names {
		dst = append(dst, name...)
	}
	return dst
}

// parseNames decodes names.
func parseNames(data []byte) ([]string, error) {
	r := encoded.NewReader(data)
	names := r.Names()
	if err := r.End(); err != nil {
		return nil, fmt.Errorf("%w: names: %w", errMalformed, err)
	}
	return names, nil
}

// appendColumns appends a frame body with the flows of a part.
func appendColumns(dst []byte, b *flow.Batch) []byte {
	dst = binary.AppendUvarint(append(dst, kindColumns), uint64(b.Len()))
	for _, column := range [...][]uint32{b.Src, b.Dest, b.VPC} {
		dst = appendColumn(dst, column)
	}
	return appendColumn(appendColumn(dst, b.Tx), b.Rx)
}

func appendColumn[T uint32 | int64](dst []byte, column []T) []byte {
	all := T(0)
	for _, v := range column {
		all |= v
	}
	width := max((bits.Len64(uint64(all))+7)/8, 1)
	dst = append(dst, byte(width))
	start := len(dst)
	dst = slices.Grow(dst, width*len(column)+8) // eight more: each number is written as eight bytes
	at := dst[start : start+width*len(column)+8]
	for i, v := range column {
		binary.LittleEndian.PutUint64(at[i*width:], uint64(v))
	}
	return dst[:start+width*len(column)]
}

// parseColumns decodes a part into b, whose memory it uses. The numbers of names are less than names.
func parseColumns(data []byte, b *flow.Batch, names int) error {
	r := encoded.NewReader(data)
	n := r.Count(1)
	if n == 0 {
		r.Fail("no flows")
		return fmt.Errorf("%w: %w", errMalformed, r.Err())
	}
	data = r.Left()
	var err error
	for _, column := range [...]*[]uint32{&b.Src, &b.Dest, &b.VPC} {
		if data, err = parseColumn(data, column, n, uint64(names)); err != nil {
			return err
		}
	}
	for _, column := range [...]*[]int64{&b.Tx, &b.Rx} {
		if data, err = parseColumn(data, column, n, 1<<63); err != nil {
			return err
		}
	}
	if len(data) > 0 {
		return fmt.Errorf("%w: %d bytes behind the last column", errMalformed, len(data))
	}
	return nil
}

// parseColumn decodes n numbers less than limit, and returns the data behind them.
func parseColumn[T uint32 | int64](data []byte, column *[]T, n int, limit uint64) (rest []byte, err error) {
	if len(data) == 0 || data[0] == 0 || data[0] > 8 || (len(data)-1)/int(data[0]) < n {
		return nil, fmt.Errorf("%w: a column of %d numbers is cut short", errMalformed, n)
	}
	width := int(data[0])
	from, rest := data[1:], data[1+width*n:]
	mask := ^uint64(0) >> (64 - 8*width)
	values := grown(*column, n)
	*column = values
	most, i := uint64(0), 0
	for ; i < n && i*width+8 <= len(from); i++ {
		v := binary.LittleEndian.Uint64(from[i*width:]) & mask
		most = max(most, v)
		values[i] = T(v)
	}
	for ; i < n; i++ { // the last numbers of the frame
		var last [8]byte
		copy(last[:], from[i*width:i*width+width])
		v := binary.LittleEndian.Uint64(last[:])
		most = max(most, v)
		values[i] = T(v)
	}
	if most >= limit {
		return nil, fmt.Errorf("%w: a number of %d, the limit is %d", errMalformed, most, limit)
	}
	return rest, nil
}

// grown returns a slice of n elements, in the memory of s if it has room.
func grown[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
