package totals

import (
	"encoding/binary"
	"errors"
	"fmt"

	"flowring/flow"
	"flowring/flow/query"
)

// The errors of Parse.
var (
	ErrMalformed = errors.New("malformed totals of a slice")          // bytes other than the output of Encode
	ErrVersion   = errors.New("totals of a slice in another version") // perhaps of a newer program
)

// Totals are the sums of the flows of a slice.
type Totals struct {
	Tx, Rx query.Sum
	Flows  int64
}

// Add adds the totals of flows that differ from all others.
func (t *Totals) Add(flows []flow.Totals) {
	for _, f := range flows {
		t.Tx = t.Tx.Plus(query.SumOf(f.BytesTx))
		t.Rx = t.Rx.Plus(query.SumOf(f.BytesRx))
	}
	t.Flows += int64(len(flows))
}

// AddBatch adds the flows of a batch, which differ from all others.
func (t *Totals) AddBatch(b *flow.Batch) {
	for i := range b.Len() {
		t.Add([]flow.Totals{b.Totals(i)})
	}
}

const (
	version = 1
	size    = 1 + 16 + 2*16 + 8
)

// Encode returns the encoding, with the hash of the digest of the batches.
func (t *Totals) Encode(digest [16]byte) []byte {
	data := append(make([]byte, 0, size), version)
	data = append(data, digest[:]...)
	for _, v := range []uint64{t.Tx.High, t.Tx.Low, t.Rx.High, t.Rx.Low, uint64(t.Flows)} {
		data = binary.BigEndian.AppendUint64(data, v)
	}
	return data
}

// Parse returns the totals, and the hash of the digest of their batches. It accepts only the output of Encode. Its
// errors wrap ErrMalformed or ErrVersion.
func Parse(data []byte) (t Totals, digest [16]byte, err error) {
	if len(data) > 0 && data[0] != version {
		return t, digest, fmt.Errorf("%w: version %d, this program reads version %d", ErrVersion, data[0], version)
	}
	if len(data) != size {
		return t, digest, fmt.Errorf("%w: %d bytes", ErrMalformed, len(data))
	}
	rest := data[1+copy(digest[:], data[1:]):]
	for _, v := range []*uint64{&t.Tx.High, &t.Tx.Low, &t.Rx.High, &t.Rx.Low} {
		*v, rest = binary.BigEndian.Uint64(rest), rest[8:]
	}
	t.Flows = int64(binary.BigEndian.Uint64(rest))
	return t, digest, nil
}
