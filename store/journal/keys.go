package journal

import (
	"encoding/binary"
	"fmt"

	"flowring/flow"
)

// The keys, and their values:
//
//	'b' | hour (8) | slice (4) | origin (8) | seq (8)   an encoded batch, sealed
//	'd' | hour (8) | slice (4) | origin (8) | seq (8)   nothing: the dot of a batch
//	'h' | hour (8) | slice (4)                          draft (8) and head of the slice's snapshot, sealed
//	'p' | hour (8) | slice (4) | draft (8) | piece (4)  a piece of a snapshot, or of what is to be one, sealed
//	's' | name                                          state of the node, sealed
//	'f'                                                 formatPrefix and the format version in decimal
//
// Numbers are big endian, so that keys sort as they do; the sign of the hour is flipped, so that it sorts too. Each batch is
// written with its dot: what there is can be told without reading over the batches, which are larger by a factor of a thousand.
// The pieces of a draft count only once a head names the draft: many writes become one that is there or not.
const (
	batchKind  = 'b'
	dotKind    = 'd'
	headKind   = 'h'
	pieceKind  = 'p'
	stateKind  = 's'
	formatKind = 'f'
)

const (
	sliceLen = 1 + 8 + 4
	keyLen   = sliceLen + 8 + 8
	draftLen = sliceLen + 8
	pieceLen = draftLen + 4
)

// sliceKey returns what the keys of a slice begin with.
func sliceKey(kind byte, s flow.Slice) []byte {
	key := make([]byte, 0, keyLen)
	key = append(key, kind)
	key = binary.BigEndian.AppendUint64(key, uint64(s.Hour)^1<<63)
	return binary.BigEndian.AppendUint32(key, s.Index)
}

// batchKey returns the key of a batch, or of its dot.
func batchKey(kind byte, s flow.Slice, d flow.Dot) []byte {
	key := binary.BigEndian.AppendUint64(sliceKey(kind, s), d.Origin)
	return binary.BigEndian.AppendUint64(key, d.Seq)
}

// keyLens are the lengths of the keys of a slice, by kind.
var keyLens = map[byte]int{batchKind: keyLen, dotKind: keyLen, headKind: sliceLen, pieceKind: pieceLen}

func checkLen(key []byte) error {
	if want := keyLens[key[0]]; len(key) != want {
		return fmt.Errorf("key %x: %w: not of %d bytes", key, ErrCorrupt, want)
	}
	return nil
}

// parseKey returns what a key made by batchKey says.
func parseKey(key []byte) (flow.Slice, flow.Dot, error) {
	if err := checkLen(key); err != nil {
		return flow.Slice{}, flow.Dot{}, err
	}
	return sliceOf(key), flow.Dot{Origin: binary.BigEndian.Uint64(key[13:]), Seq: binary.BigEndian.Uint64(key[21:])}, nil
}

// sliceOf returns the slice that a key of at least sliceLen bytes is of.
func sliceOf(key []byte) flow.Slice {
	return flow.Slice{
		Hour:  flow.Hour(binary.BigEndian.Uint64(key[1:]) ^ 1<<63),
		Index: binary.BigEndian.Uint32(key[9:]),
	}
}

// draftKey returns what the keys of a draft's pieces begin with.
func draftKey(s flow.Slice, draft uint64) []byte {
	return binary.BigEndian.AppendUint64(sliceKey(pieceKind, s), draft)
}

func pieceKey(s flow.Slice, draft uint64, piece uint32) []byte {
	return binary.BigEndian.AppendUint32(draftKey(s, draft), piece)
}

func stateKey(name string) []byte { return append([]byte{stateKind}, name...) }

// after returns the first key behind all keys that begin with prefix, whose first byte is a kind.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for end[len(end)-1] == 0xff {
		end = end[:len(end)-1]
	}
	end[len(end)-1]++
	return end
}
