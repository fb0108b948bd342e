package ingest

import (
	"math/bits"

	"flowring/flow"
)

const (
	hour     = 3600 * int64(1e9)
	maxSplit = 24 * hour // a longer interval is not split; this one touches at most 25 hours
)

// HourOf returns the hour of a time in nanoseconds since 1970.
func HourOf(ns int64) flow.Hour {
	h := ns / hour
	if ns%hour < 0 {
		h--
	}
	return flow.Hour(h)
}

// emit does the fourth operation: it emits the parts of a record. Each hour gets bytes in proportion to its share of
// the interval, rounded down, and the last hour gets the rest. An interval that ends on the hour ends in the hour
// before.
func (m *mapped) emit(c *Counts, emit func(flow.Record)) {
	if m.end <= m.start || m.tooLong() {
		m.note(c)
		m.part(HourOf(m.end), m.tx, m.rx, emit)
		return
	}
	length := uint64(m.end - m.start)
	tx, rx := m.tx, m.rx
	last := HourOf(m.end - 1)
	for h := HourOf(m.start); h < last; h++ {
		from := max(m.start, int64(h)*hour)
		share := uint64(int64(h+1)*hour - from)
		partTx, partRx := portion(m.tx, share, length), portion(m.rx, share, length)
		tx, rx = tx-partTx, rx-partRx
		if partTx > 0 || partRx > 0 {
			m.part(h, partTx, partRx, emit)
		}
	}
	m.part(last, tx, rx, emit)
}

// tooLong reports whether the interval is longer than 24 hours. The difference of two times may exceed 63 bits.
func (m *mapped) tooLong() bool {
	return m.end > m.start && uint64(m.end)-uint64(m.start) > uint64(maxSplit)
}

func (m *mapped) note(c *Counts) {
	switch {
	case m.end < m.start:
		c.Notes[EndsTooEarly]++
	case m.tooLong():
		c.Notes[LongInterval]++
	}
}

// portion returns bytes * share / length, rounded down; share is less than length. The product has 128 bits.
func portion(bytes, share, length uint64) uint64 {
	high, low := bits.Mul64(bytes, share)
	quotient, _ := bits.Div64(high, low, length) // high < length, because share < length
	return quotient
}

// part emits the bytes of one hour, as several records if they exceed flow.MaxBytes.
func (m *mapped) part(h flow.Hour, tx, rx uint64, emit func(flow.Record)) {
	for {
		t := flow.Totals{BytesTx: int64(min(tx, flow.MaxBytes)), BytesRx: int64(min(rx, flow.MaxBytes))}
		emit(flow.Record{Key: m.key, Totals: t, Hour: h})
		tx, rx = tx-uint64(t.BytesTx), rx-uint64(t.BytesRx)
		if tx == 0 && rx == 0 {
			return
		}
	}
}
