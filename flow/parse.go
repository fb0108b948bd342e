package flow

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// The errors of parsing, to be tested for with errors.Is.
var (
	ErrCorrupt = errors.New("corrupt batch")                   // the bytes are no encoding of a batch
	ErrVersion = errors.New("unknown version of the encoding") // they may be one of a newer version
)

// Header is the part of an encoded batch that says which batch it is, without its content.
type Header struct {
	Slice Slice
	Dot   Dot
	ID    ID
	Key   ID
}

// ParseHeader reads the header of an encoded batch, of which data may be just the beginning. It does not verify the checksum,
// which covers the content as well: it is for a reader who looks through many batches that ParseBatch or Encode had in hand.
func ParseHeader(data []byte) (Header, error) {
	if err := checkVersion(data); err != nil {
		return Header{}, err
	}
	if len(data) < columnsStart {
		return Header{}, corrupt("%d bytes are too few for a header", len(data))
	}
	return parseHeader(data[headerStart:columnsStart]), nil
}

func checkVersion(data []byte) error {
	if len(data) == 0 {
		return corrupt("no bytes")
	}
	if data[0] != batchVersion {
		return fmt.Errorf("parse batch: version %d: %w", data[0], ErrVersion)
	}
	return nil
}

func parseHeader(data []byte) (h Header) {
	h.Slice = Slice{Hour(binary.BigEndian.Uint64(data)), binary.BigEndian.Uint32(data[8:])}
	h.Dot = Dot{Origin: binary.BigEndian.Uint64(data[12:]), Seq: binary.BigEndian.Uint64(data[20:])}
	copy(h.ID[:], data[28:])
	copy(h.Key[:], data[44:])
	return h
}

// ParseBatch parses data, the whole of which must be the encoding of one batch. Only what Encode writes is accepted, so that
// equal batches are equal bytes: every invariant of Batch is checked, and every number must have its shortest form. The batch
// keeps nothing of data. Memory used is proportional to len(data), whatever data says (P16). It fails with an error that wraps
// ErrCorrupt or ErrVersion.
func ParseBatch(data []byte) (*Batch, error) {
	b, err := parseBatch(data)
	if err == nil {
		err = b.checkDiffer()
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// ParseSorted is ParseBatch for flows that are sorted by key, which is how it knows that they differ: that takes less time.
func ParseSorted(data []byte) (*Batch, error) {
	b, err := parseBatch(data)
	if err == nil {
		err = b.checkSorted()
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// parseBatch parses data, of which flows may come twice.
func parseBatch(data []byte) (*Batch, error) {
	h, err := ParseHeader(data)
	if err != nil {
		return nil, err
	}
	if got, want := crc32.Checksum(data[headerStart:], castagnoli), binary.BigEndian.Uint32(data[sumStart:]); got != want {
		return nil, corrupt("checksum is %08x, not %08x", got, want)
	}
	p := parser{rest: data[columnsStart:]}
	names := p.names()
	b := p.columns(len(names))
	if p.err == nil && len(p.rest) > 0 {
		p.fail("%d bytes after the last column", len(p.rest))
	}
	if p.err != nil {
		return nil, p.err
	}
	b.Slice, b.Dot, b.ID, b.Key, b.Names = h.Slice, h.Dot, h.ID, h.Key, names
	if err := b.checkRows(); err != nil {
		return nil, err
	}
	return b, nil
}

func corrupt(format string, args ...any) error {
	return fmt.Errorf("parse batch: %w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}
