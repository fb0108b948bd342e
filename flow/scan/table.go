package scan

import "math/bits"

// Table adds up the records of one request per hour and flow.
//
// All hours share its two hash tables. The caller cuts the rows into one batch for each hour at the end. So a request
// with another hour in every record does not need two hash tables for each of them (P16).
type Table struct {
	nameTable
	Records int         // added since Reset
	Hours   []HourFlows // in order of first appearance
	Rows    []Row       // in order of first appearance

	hours     map[int64]uint32 // index in Hours
	last      uint32           // index in Hours of the hour of the newest row
	flowSlots []uint32         // hash table of the flows, like that of the names: index in Rows plus 1, or 0
}

// HourFlows is an hour and the number of its flows.
type HourFlows struct {
	Hour  int64
	Flows int
}

// Symbols are the symbols of the three names of a flow.
type Symbols struct{ Src, Dest, VPC uint32 }

// Row is the sum of one flow in one hour.
type Row struct {
	Symbols
	Hour   uint32 // index in Hours
	Tx, Rx int64  // bytes sent and received
}

// Reset empties the table and makes room for the expected number of records.
func (t *Table) Reset(expected int) {
	slots := 1 << bits.Len(uint(expected|15))
	t.reset(slots)
	t.Records, t.last = 0, 0
	if len(t.hours) > 64 {
		t.hours = nil // most requests have few hours, and the time to clear a map grows with its capacity
	}
	clear(t.hours)
	t.Hours, t.Rows = t.Hours[:0], t.Rows[:0]
	t.flowSlots = clearedSlots(t.flowSlots, slots)
}

// Add adds a record of tx bytes sent and rx bytes received; both must be non-negative. The caller must have obtained
// the symbols of new names immediately before, in the order source, destination, VPC, because this is the order of
// names in a batch. Add returns false if a sum would exceed 2^63-1. Then the table must not be used any more.
func (t *Table) Add(hour int64, f Symbols, tx, rx int64) bool {
	t.Records++
	for i := t.seeds.flow(hour, f); ; i++ {
		slot := &t.flowSlots[i&uint64(len(t.flowSlots)-1)]
		if *slot == 0 {
			*slot = uint32(len(t.Rows)) + 1
			t.insertRow(Row{f, t.hourIndex(hour), tx, rx})
			return true
		}
		r := &t.Rows[*slot-1]
		if r.Symbols != f || t.Hours[r.Hour].Hour != hour {
			continue
		}
		r.Tx, r.Rx = r.Tx+tx, r.Rx+rx
		return r.Tx >= 0 && r.Rx >= 0
	}
}

// insertRow adds a row, which has its slot already.
func (t *Table) insertRow(r Row) {
	t.Hours[r.Hour].Flows++
	t.Rows = append(t.Rows, r)
	if 2*len(t.Rows) <= len(t.flowSlots) {
		return
	}
	t.flowSlots = clearedSlots(t.flowSlots, 2*len(t.flowSlots))
	for i := range t.Rows {
		r := &t.Rows[i]
		*freeSlot(t.flowSlots, t.seeds.flow(t.Hours[r.Hour].Hour, r.Symbols)) = uint32(i) + 1
	}
}

// hourIndex returns the index of an hour in Hours, and adds the hour if it is new.
func (t *Table) hourIndex(hour int64) uint32 {
	if len(t.Hours) > 0 && t.Hours[t.last].Hour == hour {
		return t.last
	}
	at, ok := t.hours[hour]
	if !ok {
		if t.hours == nil {
			t.hours = map[int64]uint32{}
		}
		at = uint32(len(t.Hours))
		t.hours[hour] = at
		t.Hours = append(t.Hours, HourFlows{Hour: hour})
	}
	t.last = at
	return at
}
