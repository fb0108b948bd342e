package spool

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
)

const (
	magic     = "FRSPOOL1"
	headBytes = 4 + 4 + len(Key{}) // of a frame, before its payload
)

// MaxPayload is the largest length of a payload in bytes.
const MaxPayload = 256 << 20

// Key identifies a payload for its receiver.
type Key [16]byte

// NewKey returns a random key.
func NewKey() (k Key) {
	rand.Read(k[:]) // never fails
	return k
}

// String returns the key in hexadecimal digits.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// appendFrame appends a frame.
func appendFrame(dst []byte, key Key, payload []byte) []byte {
	at := len(dst)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(payload)))
	dst = append(dst, 0, 0, 0, 0)
	dst = append(dst, key[:]...)
	dst = append(dst, payload...)
	binary.LittleEndian.PutUint32(dst[at+4:], checksum(dst[at:at+4], dst[at+8:]))
	return dst
}

// parseFrame returns the first frame of data, and false if data does not begin with a whole one.
func parseFrame(data []byte) (key Key, payload []byte, ok bool) {
	if len(data) < headBytes {
		return key, nil, false
	}
	n := int64(binary.LittleEndian.Uint32(data))
	if n > MaxPayload || n > int64(len(data)-headBytes) {
		return key, nil, false
	}
	end := headBytes + int(n)
	if checksum(data[:4], data[8:end]) != binary.LittleEndian.Uint32(data[4:]) {
		return key, nil, false
	}
	copy(key[:], data[8:])
	return key, data[headBytes:end], true
}

// checksum returns the checksum over the length and the rest of a frame.
func checksum(length, rest []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli) // one of the package crc32, made once
	return crc32.Update(crc32.Checksum(length, table), table, rest)
}
