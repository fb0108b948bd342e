package journal

import (
	"encoding/binary"
	"fmt"

	"flowring/flow"
)

// The keys, and their values:
//
//	'b' | hour (8) | slice (4) | origin (8) | seq (8)   an encoded batch, wrapped
//	'd' | hour (8) | slice (4) | origin (8) | seq (8)   empty: the dot of a batch
//	'h' | hour (8) | slice (4)                          draft (8) and head of the slice's snapshot, wrapped
//	'p' | hour (8) | slice (4) | draft (8) | piece (4)  a piece of a snapshot, or of a draft of one, wrapped
//	't' | hour (8) | slice (4)                          totals of the slice (store/totals), wrapped
//	's' | name                                          state of the node, wrapped
//	'f'                                                 the format, as in version.go
//
// Wrapped values are drawn in envelope.go. Numbers are big endian, so that keys sort like their numbers; the sign bit
// of the hour is flipped, so that negative hours sort first. Each batch is written with its dot: a list of the dots
// reads none of the batches, which are a thousand times larger. The pieces of a draft count only after a head names
// the draft. Thereby many writes take effect at once or not at all.
const (
	batchKind  = 'b'
	dotKind    = 'd'
	headKind   = 'h'
	pieceKind  = 'p'
	totalsKind = 't'
	stateKind  = 's'
	formatKind = 'f'
)

// sliceKinds are the kinds of the keys of a slice.
var sliceKinds = [...]byte{batchKind, dotKind, headKind, pieceKind, totalsKind}

const (
	sliceLen = 1 + 8 + 4
	keyLen   = sliceLen + 8 + 8
	draftLen = sliceLen + 8
	pieceLen = draftLen + 4
)

// sliceKey returns the prefix of the keys of a kind for a slice. It is the whole key of a head and of totals.
func sliceKey(kind byte, s flow.Slice) []byte {
	key := make([]byte, 0, keyLen)
	key = append(key, kind)
	key = binary.BigEndian.AppendUint64(key, uint64(s.Hour)^1<<63)
	return binary.BigEndian.AppendUint32(key, s.Index)
}

// batchKey returns the key of a batch or of its dot.
func batchKey(kind byte, s flow.Slice, d flow.Dot) []byte {
	key := binary.BigEndian.AppendUint64(sliceKey(kind, s), d.Origin)
	return binary.BigEndian.AppendUint64(key, d.Seq)
}

// keyLens has the length of the keys of each kind.
var keyLens = map[byte]int{batchKind: keyLen, dotKind: keyLen, headKind: sliceLen, pieceKind: pieceLen}

func checkKeyLen(key []byte) error {
	if want := keyLens[key[0]]; len(key) != want {
		return fmt.Errorf("key %x: %w: not of %d bytes", key, ErrCorrupt, want)
	}
	return nil
}

// parseBatchKey returns the slice and the dot of a key of batchKey.
func parseBatchKey(key []byte) (flow.Slice, flow.Dot, error) {
	if err := checkKeyLen(key); err != nil {
		return flow.Slice{}, flow.Dot{}, err
	}
	return sliceOf(key), flow.Dot{Origin: binary.BigEndian.Uint64(key[13:]), Seq: binary.BigEndian.Uint64(key[21:])}, nil
}

// sliceOf returns the slice of a key of at least sliceLen bytes.
func sliceOf(key []byte) flow.Slice {
	return flow.Slice{
		Hour:  flow.Hour(binary.BigEndian.Uint64(key[1:]) ^ 1<<63),
		Index: binary.BigEndian.Uint32(key[9:]),
	}
}

// draftPrefix returns the prefix of the keys of a draft's pieces.
func draftPrefix(s flow.Slice, draft uint64) []byte {
	return binary.BigEndian.AppendUint64(sliceKey(pieceKind, s), draft)
}

func pieceKey(s flow.Slice, draft uint64, piece uint32) []byte {
	return binary.BigEndian.AppendUint32(draftPrefix(s, draft), piece)
}

func stateKey(name string) []byte { return append([]byte{stateKind}, name...) }

// prefixEnd returns the first key behind all keys with a prefix. The first byte of the prefix is a kind.
func prefixEnd(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for end[len(end)-1] == 0xff {
		end = end[:len(end)-1]
	}
	end[len(end)-1]++
	return end
}
