package flow

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"flowring/flow/room"
)

// The errors of parsing, for errors.Is.
var (
	ErrCorrupt = errors.New("corrupt batch")                   // the bytes are not an encoding of a batch
	ErrVersion = errors.New("unknown version of the encoding") // the bytes may be an encoding of a newer version
)

// Header is the identity of an encoded batch, without its content.
type Header struct {
	Slice Slice
	Dot   Dot
	ID    ID
	Key   ID
}

// ParseHeader reads the header of an encoded batch; data may be only the beginning of the batch. It does not verify the
// checksum, which covers the content too. It is for scans over many batches from a trusted source.
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

// ParseBatch parses data, which must be exactly the encoding of one batch. It accepts only the output of Encode: it
// checks every invariant of Batch, and every number must have its shortest form. So equal batches are equal bytes. The
// batch keeps no part of data. The memory used is proportional to len(data), whatever counts data contains (P16).
// ParseBatch fails with an error wrapping ErrCorrupt or ErrVersion.
func ParseBatch(data []byte) (*Batch, error) { return ParseInto(nil, data) }

// ParseInto is ParseBatch for a batch that shares the memory of data and of a room. The batch and its names are valid
// until either of them changes.
func ParseInto(room *room.Room, data []byte) (*Batch, error) {
	b, err := parseBatch(data, room)
	if err == nil {
		err = b.checkDistinct(room)
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// ParseSorted is ParseBatch for batches with flows sorted by key. It verifies the order, which proves the flows
// distinct in less time.
func ParseSorted(data []byte) (*Batch, error) {
	b, err := parseBatch(data, nil)
	if err == nil {
		err = b.checkSorted()
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// parseBatch parses data without checking whether the flows are distinct.
func parseBatch(data []byte, room *room.Room) (*Batch, error) {
	h, err := ParseHeader(data)
	if err != nil {
		return nil, err
	}
	got, want := crc32.Checksum(data[headerStart:], castagnoli), binary.BigEndian.Uint32(data[sumStart:])
	if got != want {
		return nil, corrupt("checksum is %08x, not %08x", got, want)
	}
	p := parser{rest: data[columnsStart:], room: room}
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
