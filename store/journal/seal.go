package journal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// A sealed value carries what it takes to refuse it when it is not what was written here:
//
//	version (1 byte, 1) | CRC-32C of key and payload (4, big endian) | payload
//
// The sum covers the key too, so a value that comes back under the wrong key is found out as well.
const (
	sealVersion = 1
	sealLen     = 1 + 4
)

// seal writes the sealed payload to dst, which is sealLen bytes longer than it.
func seal(dst, key, payload []byte) {
	dst[0] = sealVersion
	binary.BigEndian.PutUint32(dst[1:], checksum(key, payload))
	copy(dst[sealLen:], payload)
}

// unseal returns the payload, which is a part of value.
func unseal(key, value []byte) ([]byte, error) {
	if len(value) < sealLen {
		return nil, fmt.Errorf("%w: %d bytes are too few", ErrCorrupt, len(value))
	}
	if value[0] != sealVersion {
		return nil, fmt.Errorf("%w: value of version %d, this program knows %d", ErrFormat, value[0], sealVersion)
	}
	payload := value[sealLen:]
	if got, want := checksum(key, payload), binary.BigEndian.Uint32(value[1:]); got != want {
		return nil, fmt.Errorf("%w: checksum is %08x, not %08x", ErrCorrupt, got, want)
	}
	return payload, nil
}

func checksum(key, payload []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli) // the standard library makes it only once
	return crc32.Update(crc32.Checksum(key, table), table, payload)
}
