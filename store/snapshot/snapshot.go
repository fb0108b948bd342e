package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"flowring/flow"
	"flowring/store/digest"
)

const (
	headKind = 'H'
	idsKind  = 'I'

	frameStart = 1 + 4
	headLen    = frameStart + 8 + 4 + 4
	idLen      = 2 * len(flow.ID{})
)

// The contents of a full piece, which make it about a megabyte.
const (
	FlowsPerPiece = 1 << 16
	IDsPerPiece   = 1 << 15
)

// ErrMalformed is the error of a frame outside of the format, or of another snapshot.
var ErrMalformed = errors.New("malformed snapshot")

// Head describes a snapshot.
type Head struct {
	Slice  flow.Slice
	Pieces uint32 // number of pieces
	Digest digest.Digest
}

// Encode returns the frame of the head.
func (h *Head) Encode() []byte {
	data := frame(headKind, headLen)
	data = binary.BigEndian.AppendUint64(data, uint64(h.Slice.Hour))
	data = binary.BigEndian.AppendUint32(data, h.Slice.Index)
	data = binary.BigEndian.AppendUint32(data, h.Pieces)
	return closeFrame(h.Digest.Append(data))
}

// ParseHead reads the head of a snapshot.
func ParseHead(data []byte) (*Head, error) {
	if err := checkFrame(data, headKind); err != nil {
		return nil, err
	}
	if len(data) < headLen {
		return nil, fmt.Errorf("%w: a head of %d bytes", ErrMalformed, len(data))
	}
	rest := data[frameStart:]
	h := &Head{
		Slice:  flow.Slice{Hour: flow.Hour(binary.BigEndian.Uint64(rest)), Index: binary.BigEndian.Uint32(rest[8:])},
		Pieces: binary.BigEndian.Uint32(rest[12:]),
	}
	var err error
	if h.Digest, err = digest.Parse(data[headLen:]); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if h.Pieces == 0 || h.Digest.Empty() {
		return nil, fmt.Errorf("%w: no piece, or no batch", ErrMalformed)
	}
	return h, nil
}

// IsHead reports whether a frame is the head of a snapshot.
func IsHead(data []byte) bool { return len(data) > 0 && data[0] == headKind }

// IDPair is the ID of a batch with its Key. The Key is zero if another ID came with it first.
type IDPair struct{ Key, ID flow.ID }

// EncodeIDs returns the frame of a piece with IDs.
func EncodeIDs(pairs []IDPair) []byte {
	data := frame(idsKind, frameStart+idLen*len(pairs))
	for _, p := range pairs {
		data = append(data, p.Key[:]...)
		data = append(data, p.ID[:]...)
	}
	return closeFrame(data)
}

func parseIDs(data []byte) ([]IDPair, error) {
	if err := checkFrame(data, idsKind); err != nil {
		return nil, err
	}
	rest := data[frameStart:]
	if len(rest) == 0 || len(rest)%idLen != 0 {
		return nil, fmt.Errorf("%w: IDs of %d bytes", ErrMalformed, len(rest))
	}
	pairs := make([]IDPair, len(rest)/idLen)
	for i := range pairs {
		p := rest[i*idLen:]
		pairs[i] = IDPair{flow.ID(p[:idLen/2]), flow.ID(p[idLen/2 : idLen])}
		if pairs[i].ID.IsZero() {
			return nil, fmt.Errorf("%w: an ID of zeros", ErrMalformed)
		}
	}
	return pairs, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// frame begins a frame; closeFrame ends it.
func frame(kind byte, room int) []byte { return append(make([]byte, 0, room), kind, 0, 0, 0, 0) }

func closeFrame(data []byte) []byte {
	binary.BigEndian.PutUint32(data[1:], crc32.Checksum(data[frameStart:], castagnoli))
	return data
}

func checkFrame(data []byte, kind byte) error {
	if len(data) < frameStart || data[0] != kind {
		return fmt.Errorf("%w: no frame of kind %q", ErrMalformed, kind)
	}
	if got, want := crc32.Checksum(data[frameStart:], castagnoli), binary.BigEndian.Uint32(data[1:]); got != want {
		return fmt.Errorf("%w: checksum is %08x, not %08x", ErrMalformed, got, want)
	}
	return nil
}

// Piece is the content of a piece: IDs or flows.
type Piece struct {
	IDs   []IDPair
	Flows *flow.Batch
}

// ParsePiece reads a piece of a snapshot of the slice.
func ParsePiece(slice flow.Slice, data []byte) (p Piece, err error) {
	if len(data) > 0 && data[0] == idsKind {
		p.IDs, err = parseIDs(data)
		return p, err
	}
	// The flows of a snapshot are sorted, which proves in less time that they are distinct.
	if p.Flows, err = flow.ParseSorted(data); err != nil {
		p.Flows, err = flow.ParseBatch(data)
	}
	if err != nil {
		return p, err
	}
	if p.Flows.Slice != slice || p.Flows.Dot != (flow.Dot{}) || !p.Flows.ID.IsZero() {
		return p, fmt.Errorf("%w: batch %s of %s among its pieces", ErrMalformed, p.Flows.Dot, p.Flows.Slice)
	}
	return p, nil
}

// EachPiece calls fn with the pieces of the snapshot, in order, until fn fails. each calls its function with the frames
// of the pieces of a slice.
func (h *Head) EachPiece(each func(flow.Slice, func(frame []byte) error) error, fn func(Piece) error) error {
	pieces := uint32(0)
	err := each(h.Slice, func(frame []byte) error {
		p, err := ParsePiece(h.Slice, frame)
		if err != nil {
			return err
		}
		pieces++
		return fn(p)
	})
	if err == nil && pieces != h.Pieces {
		err = fmt.Errorf("%w: %d of %d pieces of the snapshot", ErrMalformed, pieces, h.Pieces)
	}
	return err
}
