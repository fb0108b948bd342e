package totals

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"flowring/flow"
	"flowring/flow/query"
)

func FuzzParse(f *testing.F) {
	t := Totals{Tx: query.Sum{High: 1, Low: 2}, Rx: query.SumOf(math.MaxInt64), Flows: 3}
	f.Add(t.Encode([16]byte{4}))
	f.Add([]byte{version})
	f.Add(append([]byte{version + 1}, t.Encode([16]byte{4})[1:]...))
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

// Totals of a newer program are refused by name, with both versions. They may have another length.
func TestAnotherVersionIsRefusedByName(t *testing.T) {
	encoded := new(Totals).Encode([16]byte{})
	encoded[0] = 7
	for _, data := range [][]byte{encoded, encoded[:20], append(encoded, 1)} {
		_, _, err := Parse(data)
		if want := "version 7, this program reads version 1"; !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse of %d bytes = %v, want %q", len(data), err, want)
		}
	}
	for _, data := range [][]byte{nil, {version}} {
		if _, _, err := Parse(data); !errors.Is(err, ErrMalformed) {
			t.Errorf("Parse(%x) = %v, want ErrMalformed", data, err)
		}
	}
}
