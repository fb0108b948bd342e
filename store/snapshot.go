package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"

	"flowring/flow"
	"flowring/store/digest"
)

// A snapshot of a slice stands for the batches of its digest: what they add up to, and the IDs that they had. It is a head and
// pieces, each of them one value in the journal and one frame between nodes. Numbers are big endian:
//
//	head     kind (1 byte, 'H') | CRC-32C of the rest (4) | hour (8) | slice (4) | pieces (4) | encoded digest
//	IDs      kind (1 byte, 'I') | CRC-32C of the rest (4) | per ID: Key (16) | ID (16)
//	flows    an encoded batch without identity
//
// The first byte of an encoded batch is its version, which is none of the kinds. A Key comes once, with the ID that it came with
// first; further IDs of it have a Key of zeros.
const (
	headKind = 'H'
	idsKind  = 'I'

	frameStart = 1 + 4
	headLen    = frameStart + 8 + 4 + 4
	idLen      = 2 * len(flow.ID{})
)

// How much a piece has, so that it is about a megabyte.
const (
	flowsPerPiece = 1 << 16
	idsPerPiece   = 1 << 15
)

// ErrSnapshot says that bytes are not a part of a snapshot.
var ErrSnapshot = errors.New("malformed snapshot")

// ErrConflict says that of two snapshots of a slice neither holds all of the other: they cannot be made one. Sealing excludes it,
// unless the cluster was split by force.
var ErrConflict = errors.New("snapshots made apart cannot be merged")

// snapshotHead says what a snapshot is.
type snapshotHead struct {
	slice  flow.Slice
	pieces uint32
	digest digest.Digest
}

func (h *snapshotHead) encode() []byte {
	data := frame(headKind, headLen)
	data = binary.BigEndian.AppendUint64(data, uint64(h.slice.Hour))
	data = binary.BigEndian.AppendUint32(data, h.slice.Index)
	data = binary.BigEndian.AppendUint32(data, h.pieces)
	return closeFrame(h.digest.Append(data))
}

func parseHead(data []byte) (*snapshotHead, error) {
	if err := checkFrame(data, headKind); err != nil {
		return nil, err
	}
	if len(data) < headLen {
		return nil, fmt.Errorf("%w: a head of %d bytes", ErrSnapshot, len(data))
	}
	rest := data[frameStart:]
	h := &snapshotHead{
		slice:  flow.Slice{Hour: flow.Hour(binary.BigEndian.Uint64(rest)), Index: binary.BigEndian.Uint32(rest[8:])},
		pieces: binary.BigEndian.Uint32(rest[12:]),
	}
	var err error
	if h.digest, err = digest.Parse(data[headLen:]); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	if h.pieces == 0 || h.digest.Empty() {
		return nil, fmt.Errorf("%w: it is empty", ErrSnapshot)
	}
	return h, nil
}

// isHead reports whether a frame is the head of a snapshot.
func isHead(data []byte) bool { return len(data) > 0 && data[0] == headKind }

// idPair is an ID with the Key that it came with, if that had come with none before.
type idPair struct{ key, id flow.ID }

func encodeIDs(pairs []idPair) []byte {
	data := frame(idsKind, frameStart+idLen*len(pairs))
	for _, p := range pairs {
		data = append(data, p.key[:]...)
		data = append(data, p.id[:]...)
	}
	return closeFrame(data)
}

func parseIDs(data []byte) ([]idPair, error) {
	if err := checkFrame(data, idsKind); err != nil {
		return nil, err
	}
	rest := data[frameStart:]
	if len(rest) == 0 || len(rest)%idLen != 0 {
		return nil, fmt.Errorf("%w: IDs of %d bytes", ErrSnapshot, len(rest))
	}
	pairs := make([]idPair, len(rest)/idLen)
	for i := range pairs {
		p := rest[i*idLen:]
		pairs[i] = idPair{flow.ID(p[:idLen/2]), flow.ID(p[idLen/2 : idLen])}
		if pairs[i].id.IsZero() {
			return nil, fmt.Errorf("%w: an ID of zeros", ErrSnapshot)
		}
	}
	return pairs, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// frame begins a frame that closeFrame ends.
func frame(kind byte, room int) []byte { return append(make([]byte, 0, room), kind, 0, 0, 0, 0) }

func closeFrame(data []byte) []byte {
	binary.BigEndian.PutUint32(data[1:], crc32.Checksum(data[frameStart:], castagnoli))
	return data
}

func checkFrame(data []byte, kind byte) error {
	if len(data) < frameStart || data[0] != kind {
		return fmt.Errorf("%w: no frame of kind %q", ErrSnapshot, kind)
	}
	if got, want := crc32.Checksum(data[frameStart:], castagnoli), binary.BigEndian.Uint32(data[1:]); got != want {
		return fmt.Errorf("%w: checksum is %08x, not %08x", ErrSnapshot, got, want)
	}
	return nil
}

// piece is what a piece of a snapshot says: IDs or flows.
type piece struct {
	ids   []idPair
	flows *flow.Batch
}

// parsePiece reads a piece of a snapshot of the slice.
func parsePiece(slice flow.Slice, data []byte) (p piece, err error) {
	if len(data) > 0 && data[0] == idsKind {
		p.ids, err = parseIDs(data)
		return p, err
	}
	if p.flows, err = flow.ParseBatch(data); err != nil {
		return p, err
	}
	if p.flows.Slice != slice || p.flows.Dot != (flow.Dot{}) || !p.flows.ID.IsZero() {
		return p, fmt.Errorf("%w: batch %s of %s among its pieces", ErrSnapshot, p.flows.Dot, p.flows.Slice)
	}
	return p, nil
}

// pieces iterates over the flows of the reading as pieces of a snapshot.
func (r *Reading) pieces(slice flow.Slice) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for part := range r.Parts(slice, flowsPerPiece) {
			if !yield(part.Encode()) {
				return
			}
		}
	}
}

// addPiece adds a piece of a snapshot, whose digest is recorded apart. Nobody else uses the content yet.
func (c *content) addPiece(p piece) {
	if p.flows != nil {
		rows := c.table.Group(p.flows)
		defer c.table.Release(rows)
		c.table.Add(p.flows, rows)
		return
	}
	for _, pair := range p.ids {
		c.marks.addPair(pair)
	}
}
