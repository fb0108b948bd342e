package journal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// A value is wrapped in an envelope, because damage to it must be found:
//
//	version (1 byte, 1) | CRC-32C of key and payload (4, big endian) | payload
//
// The checksum covers the key too, because a value under the wrong key must be found as well.
const (
	envelopeVersion = 1
	envelopeLen     = 1 + 4
)

// wrap writes the wrapped payload to dst, which is envelopeLen bytes longer.
func wrap(dst, key, payload []byte) {
	dst[0] = envelopeVersion
	binary.BigEndian.PutUint32(dst[1:], checksum(key, payload))
	copy(dst[envelopeLen:], payload)
}

// unwrap returns the payload. It shares the memory of value.
func unwrap(key, value []byte) ([]byte, error) {
	if len(value) < envelopeLen {
		return nil, fmt.Errorf("%w: %d bytes are too few", ErrCorrupt, len(value))
	}
	if value[0] != envelopeVersion {
		return nil, fmt.Errorf("%w: value of version %d, this program reads up to %d", ErrFormat, value[0], envelopeVersion)
	}
	payload := value[envelopeLen:]
	if got, want := checksum(key, payload), binary.BigEndian.Uint32(value[1:]); got != want {
		return nil, fmt.Errorf("%w: checksum is %08x, not %08x", ErrCorrupt, got, want)
	}
	return payload, nil
}

func checksum(key, payload []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli) // the standard library makes the table only once
	return crc32.Update(crc32.Checksum(key, table), table, payload)
}
