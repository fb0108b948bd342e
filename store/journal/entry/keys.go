package entry

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"flowring/flow"
)

// The keys, and their values:
//
//	'b' | hour (8) | slice (4) | origin (8) | seq (8)   an encoded batch, wrapped
//	'd' | hour (8) | slice (4) | origin (8) | seq (8)   empty: the dot of a batch
//	'k' | hour (8) | slice (4) | origin (8) | seq (8) | number (8)   a pack of batches (store/pack), wrapped
//	'r' | hour (8) | slice (4) | origin (8) | seq (8) | number (8)   the digest of the batches that count, wrapped
//	'h' | hour (8) | slice (4)                          draft (8) and head of the slice's snapshot, wrapped
//	'p' | hour (8) | slice (4) | draft (8) | piece (4)  a piece of a snapshot, or of a draft of one, wrapped
//	't' | hour (8) | slice (4)                          totals of the slice (store/totals), wrapped
//	's' | name                                          state of the node, wrapped
//	'f'                                                 the format (version.go of the journal)
//
// Wrapped values are drawn in envelope.go. Numbers are big endian, so that keys sort like their numbers; the sign bit
// of the hour is flipped, so that negative hours sort first. Each batch is written with its dot: a list of the dots
// reads none of the batches, which are a thousand times larger. A pack has the seq of its first batch, and a random
// number, because another pack may begin with the same batch. Batches of a pack outside of its digest are in a snapshot
// by now. The pieces of a draft count only after a head names the draft. Thereby many writes take effect at once or not
// at all.
const (
	Batch  = 'b'
	Dot    = 'd'
	Pack   = 'k'
	Run    = 'r'
	Head   = 'h'
	Piece  = 'p'
	Totals = 't'
	State  = 's'
	Format = 'f'
)

// SliceKinds are the kinds of the keys of a slice.
var SliceKinds = [...]byte{Batch, Dot, Pack, Run, Head, Piece, Totals}

// The lengths of keys.
const (
	SliceLen = 1 + 8 + 4
	KeyLen   = SliceLen + 8 + 8
	packLen  = KeyLen + 8
	DraftLen = SliceLen + 8
	pieceLen = DraftLen + 4
)

// SliceKey returns the prefix of the keys of a kind for a slice. It is the whole key of a head and of totals.
func SliceKey(kind byte, s flow.Slice) []byte {
	key := make([]byte, 0, packLen)
	key = append(key, kind)
	key = binary.BigEndian.AppendUint64(key, uint64(s.Hour)^1<<63)
	return binary.BigEndian.AppendUint32(key, s.Index)
}

// BatchKey returns the key of a batch or of its dot.
func BatchKey(kind byte, s flow.Slice, d flow.Dot) []byte {
	key := binary.BigEndian.AppendUint64(SliceKey(kind, s), d.Origin)
	return binary.BigEndian.AppendUint64(key, d.Seq)
}

// keyLens has the length of the keys of each kind.
var keyLens = map[byte]int{
	Batch: KeyLen, Dot: KeyLen, Pack: packLen, Run: packLen, Head: SliceLen, Piece: pieceLen,
}

// CheckLen refuses a key whose length is not that of its kind.
func CheckLen(key []byte) error {
	if want := keyLens[key[0]]; len(key) != want {
		return fmt.Errorf("key %x: %w: not of %d bytes", key, ErrCorrupt, want)
	}
	return nil
}

// ParseBatch returns the slice and the dot of a key of BatchKey.
func ParseBatch(key []byte) (flow.Slice, flow.Dot, error) {
	if err := CheckLen(key); err != nil {
		return flow.Slice{}, flow.Dot{}, err
	}
	return SliceOf(key), flow.Dot{Origin: binary.BigEndian.Uint64(key[13:]), Seq: binary.BigEndian.Uint64(key[21:])}, nil
}

// SliceOf returns the slice of a key of at least SliceLen bytes.
func SliceOf(key []byte) flow.Slice {
	return flow.Slice{
		Hour:  flow.Hour(binary.BigEndian.Uint64(key[1:]) ^ 1<<63),
		Index: binary.BigEndian.Uint32(key[9:]),
	}
}

// DraftPrefix returns the prefix of the keys of a draft's pieces.
func DraftPrefix(s flow.Slice, draft uint64) []byte {
	return binary.BigEndian.AppendUint64(SliceKey(Piece, s), draft)
}

// PieceKey returns the key of a piece of a draft.
func PieceKey(s flow.Slice, draft uint64, piece uint32) []byte {
	return binary.BigEndian.AppendUint32(DraftPrefix(s, draft), piece)
}

// StateKey returns the key of a state of the node.
func StateKey(name string) []byte { return append([]byte{State}, name...) }

// PackKey returns the key of a pack with a number, whose first batch has the dot.
func PackKey(s flow.Slice, d flow.Dot, number uint64) []byte {
	return binary.BigEndian.AppendUint64(BatchKey(Pack, s, d), number)
}

// WithKind returns a key with another kind.
func WithKind(key []byte, kind byte) []byte {
	key = bytes.Clone(key)
	key[0] = kind
	return key
}

// PrefixEnd returns the first key behind all keys with a prefix. The first byte of the prefix is a kind.
func PrefixEnd(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for end[len(end)-1] == 0xff {
		end = end[:len(end)-1]
	}
	end[len(end)-1]++
	return end
}
