package totals

import (
	"bytes"
	"math"
	"testing"

	"flowring/flow"
	"flowring/flow/query"
)

func FuzzParse(f *testing.F) {
	t := Totals{Tx: query.Sum{High: 1, Low: 2}, Rx: query.SumOf(math.MaxInt64), Flows: 3}
	f.Add(t.Encode([16]byte{4}))
	f.Add([]byte{version})
	f.Fuzz(func(t *testing.T, data []byte) {
		parsed, digest, err := Parse(data)
		if err == nil && !bytes.Equal(parsed.Encode(digest), data) {
			t.Errorf("Parse accepts %x, which it writes as %x", data, parsed.Encode(digest))
		}
	})
}

func TestTotalsHaveMoreThan64Bits(t *testing.T) {
	var sums Totals
	sums.Add([]flow.Totals{{BytesTx: math.MaxInt64, BytesRx: 1}, {BytesTx: math.MaxInt64, BytesRx: 2}, {BytesTx: math.MaxInt64}})
	want := Totals{Tx: query.Sum{High: 1, Low: math.MaxInt64 - 2}, Rx: query.SumOf(3), Flows: 3}
	if sums != want {
		t.Errorf("Add = %+v, want %+v", sums, want)
	}
	got, digest, err := Parse(sums.Encode([16]byte{9}))
	if got != want || digest != [16]byte{9} || err != nil {
		t.Errorf("Parse = %+v, %x, %v", got, digest, err)
	}
}
