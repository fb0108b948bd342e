package trace

import (
	"bytes"
	"encoding/hex"
)

// MaxIDs bounds the IDs of one call between nodes.
const MaxIDs = 64

// IDs are the IDs of the requests for which a call works, one behind the other, as calls between nodes carry them.
type IDs []byte

// Valid reports whether ids are 1 to MaxIDs whole IDs, none of them zero.
func (ids IDs) Valid() bool {
	for rest := ids; len(rest) >= len(ID{}); rest = rest[len(ID{}):] {
		if ID(rest).IsZero() {
			return false
		}
	}
	return len(ids) > 0 && len(ids) <= MaxIDs*len(ID{}) && len(ids)%len(ID{}) == 0
}

// Add returns the IDs with those of another request, as far as MaxIDs allows. The parts of one request follow each
// other, and add its ID once.
func (ids IDs) Add(others IDs) IDs {
	if bytes.HasSuffix(ids, others) {
		return ids
	}
	return append(ids, others[:min(len(others), max(0, MaxIDs*len(ID{})-len(ids)))]...)
}

// String returns the IDs with a comma between two.
func (ids IDs) String() string {
	const digits = 2 * len(ID{})
	text := make([]byte, 0, len(ids)/len(ID{})*(digits+1))
	for rest := ids; len(rest) >= len(ID{}); rest = rest[len(ID{}):] {
		if len(text) > 0 {
			text = append(text, ',')
		}
		text = hex.AppendEncode(text, rest[:len(ID{})])
	}
	return string(text)
}
