package flow

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
	"slices"
)

// The layout of an encoded batch, which doc.go draws.
const (
	batchVersion = 1
	sumStart     = 1                    // of the checksum
	headerStart  = sumStart + 4         // the checksum covers all bytes from here on
	headerLen    = 8 + 4 + 8 + 8 + 16*2 // slice, dot, ID, Key
	columnsStart = headerStart + headerLen
)

// castagnoli is the polynomial of the checksum. CPUs have an instruction for it.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Encode returns the encoding of b in a slice of exactly its size. Equal batches have equal encodings.
func (b *Batch) Encode() []byte { return b.Append(make([]byte, 0, b.encodedLen())) }

// Append appends the encoding of b to dst.
func (b *Batch) Append(dst []byte) []byte {
	dst = slices.Grow(dst, b.encodedLen())
	start := len(dst)
	dst = append(dst, batchVersion, 0, 0, 0, 0)
	dst = b.appendHeader(dst)
	if b.columns != nil {
		dst = append(dst, b.columns...)
	} else {
		dst = b.appendColumns(dst)
	}
	encoded := dst[start:]
	binary.BigEndian.PutUint32(encoded[sumStart:], crc32.Checksum(encoded[headerStart:], castagnoli))
	return dst
}

func (b *Batch) appendHeader(dst []byte) []byte {
	dst = b.Slice.append(dst)
	dst = binary.BigEndian.AppendUint64(dst, b.Dot.Origin)
	dst = binary.BigEndian.AppendUint64(dst, b.Dot.Seq)
	dst = append(dst, b.ID[:]...)
	return append(dst, b.Key[:]...)
}

// appendColumns appends the content: the string table and the columns.
func (b *Batch) appendColumns(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(b.Names)))
	for _, name := range b.Names {
		dst = binary.AppendUvarint(dst, uint64(len(name)))
	}
	for _, name := range b.Names {
		dst = append(dst, name...)
	}
	dst = binary.AppendUvarint(dst, uint64(b.Len()))
	for _, column := range [...][]uint32{b.Src, b.Dest, b.VPC} {
		dst = appendColumn(dst, column)
	}
	dst = appendColumn(dst, b.Tx)
	return appendColumn(dst, b.Rx)
}

func appendColumn[T uint32 | int64](dst []byte, column []T) []byte {
	for _, v := range column {
		dst = binary.AppendUvarint(dst, uint64(v))
	}
	return dst
}

// encodedLen returns the exact length of the encoding of b.
func (b *Batch) encodedLen() int {
	if b.columns != nil {
		return columnsStart + len(b.columns)
	}
	n := columnsStart + uvarintLen(uint64(len(b.Names))) + uvarintLen(uint64(b.Len()))
	for _, name := range b.Names {
		n += uvarintLen(uint64(len(name))) + len(name)
	}
	return n + columnLen(b.Src) + columnLen(b.Dest) + columnLen(b.VPC) + columnLen(b.Tx) + columnLen(b.Rx)
}

func columnLen[T uint32 | int64](column []T) int {
	n := 0
	for _, v := range column {
		n += uvarintLen(uint64(v))
	}
	return n
}

// uvarintLen returns the length of the shortest uvarint of v, with 7 bits per byte.
func uvarintLen(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }
