package query

import (
	"cmp"
	"math"
	"math/big"
	"math/bits"
)

// Sum is an unsigned integer of 128 bits. It cannot overflow: 2^64 totals of 2^63-1 bytes fit.
type Sum struct{ High, Low uint64 }

// SumOf returns the sum of one total, which is not negative.
func SumOf(v int64) Sum { return Sum{0, uint64(v)} }

// Plus returns s + o.
func (s Sum) Plus(o Sum) Sum {
	low, carry := bits.Add64(s.Low, o.Low, 0)
	high, _ := bits.Add64(s.High, o.High, carry)
	return Sum{high, low}
}

// Minus returns s - o, and 0 if o is larger.
func (s Sum) Minus(o Sum) Sum {
	if s.Compare(o) < 0 {
		return Sum{}
	}
	low, borrow := bits.Sub64(s.Low, o.Low, 0)
	high, _ := bits.Sub64(s.High, o.High, borrow)
	return Sum{high, low}
}

// Compare orders sums by size.
func (s Sum) Compare(o Sum) int {
	return cmp.Or(cmp.Compare(s.High, o.High), cmp.Compare(s.Low, o.Low))
}

// String returns all digits of the sum.
func (s Sum) String() string {
	v := new(big.Int).SetUint64(s.High)
	return v.Lsh(v, 64).Or(v, new(big.Int).SetUint64(s.Low)).String()
}

// Float returns the sum in 53 bits, for sizes on a screen.
func (s Sum) Float() float64 { return float64(s.High)*(1<<64) + float64(s.Low) }

// Int64 returns the sum, or 2^63-1 if the sum is larger; saturated reports that.
func (s Sum) Int64() (v int64, saturated bool) {
	if s.High > 0 || s.Low > math.MaxInt64 {
		return math.MaxInt64, true
	}
	return int64(s.Low), false
}

// Row is a group with its sums, or, if Other is set, all further groups together.
type Row struct {
	Key
	Tx, Rx Sum
	Other  bool
	Groups int64 // in an Other row: the number of the groups in it
}

// Bytes returns the sum of both directions.
func (r *Row) Bytes() Sum { return r.Tx.Plus(r.Rx) }

// Measure is a sum of a row.
type Measure uint8

// The measures.
const (
	Bytes Measure = iota // both directions
	BytesTx
	BytesRx
	measureCount
)

var measureNames = [measureCount]string{"bytes", "bytes_tx", "bytes_rx"}

// String returns the name of the measure in requests.
func (m Measure) String() string { return measureNames[m] }

// Of returns the measure of a row.
func (m Measure) Of(r *Row) Sum {
	switch m {
	case BytesTx:
		return r.Tx
	case BytesRx:
		return r.Rx
	}
	return r.Bytes()
}
