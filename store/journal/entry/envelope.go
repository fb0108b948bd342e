package entry

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/cockroachdb/pebble/v2"

	"flowring/store/damage"
)

// The errors of values, for errors.Is.
var (
	ErrFormat   = errors.New("not a journal that this program can read")
	ErrCorrupt  = damage.ErrUnreadable
	ErrNotFound = errors.New("not in the journal")
)

// A value is wrapped in an envelope, because damage to it must be found:
//
//	version (1 byte, 1) | CRC-32C of key and payload (4, big endian) | payload
//
// The checksum covers the key too, because a value under the wrong key must be found as well.
const (
	Version     = 1
	EnvelopeLen = 1 + 4
)

// Wrap writes the wrapped payload to dst, which is EnvelopeLen bytes longer.
func Wrap(dst, key, payload []byte) {
	dst[0] = Version
	binary.BigEndian.PutUint32(dst[1:], checksum(key, payload))
	copy(dst[EnvelopeLen:], payload)
}

// Set adds a key and its wrapped payload to a batch, without a copy in between.
func Set(b *pebble.Batch, key, payload []byte) {
	op := b.SetDeferred(len(key), EnvelopeLen+len(payload))
	copy(op.Key, key)
	Wrap(op.Value, key, payload)
}

// Unwrap returns the payload. It shares the memory of value.
func Unwrap(key, value []byte) ([]byte, error) {
	if len(value) < EnvelopeLen {
		return nil, fmt.Errorf("%w: %d bytes are too few", ErrCorrupt, len(value))
	}
	if value[0] != Version {
		return nil, fmt.Errorf("%w: value of version %d, this program reads up to %d", ErrFormat, value[0], Version)
	}
	payload := value[EnvelopeLen:]
	if got, want := checksum(key, payload), binary.BigEndian.Uint32(value[1:]); got != want {
		return nil, fmt.Errorf("%w: checksum is %08x, not %08x", ErrCorrupt, got, want)
	}
	return payload, nil
}

func checksum(key, payload []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli) // the standard library makes the table only once
	return crc32.Update(crc32.Checksum(key, table), table, payload)
}

// Translate returns an error of Pebble as one of this package.
func Translate(err error) error {
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		return ErrNotFound
	case pebble.IsCorruptionError(err):
		if info := pebble.ExtractDataCorruptionInfo(err); info != nil {
			err = info.Details // err also prints a line for info
		}
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return err
}

// Load calls fn with the payload at an iterator, which fn must not retain.
func Load(it *pebble.Iterator, fn func(payload []byte) error) error {
	value, err := it.ValueAndErr()
	if err != nil {
		return Translate(err)
	}
	payload, err := Unwrap(it.Key(), value)
	if err != nil {
		return err
	}
	return fn(payload)
}
