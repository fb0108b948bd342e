package flow

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// ErrOverflow says that the records of one request bring a flow's sum over 2^63-1 bytes. Nothing of the request may be stored
// (P14).
var ErrOverflow = errors.New("sum over 2^63-1 bytes")

// builder adds up the records of one request per hour and flow. Once it has failed it is of no more use.
//
// All hours share its tables, and the batches are cut to size at the end: a request whose every record has an hour of its own
// must not cost two tables an hour (P16).
type builder struct {
	nameTable
	records int
	Leniency

	hours map[Hour]uint32 // position in order
	order []part
	last  uint32   // position of the hour that a flow was added to last
	flows []uint32 // hash table of flows, as that of the names: position in rows plus 1; 0: free
	rows  []row
}

// part is a batch to be.
type part struct {
	hour  Hour
	flows int
}

// triple is a flow, by the symbols of its names.
type triple struct{ src, dest, vpc uint32 }

// row is what a flow of the request adds up to.
type row struct {
	triple
	part   uint32
	totals Totals
}

// mostBytes returns the largest number of bytes that a record may have.
func (b *builder) mostBytes() int64 {
	if b.AnySum {
		return math.MaxInt64
	}
	return MaxBytes
}

// reset makes the builder an empty one, with room for as many records as are likely.
func (b *builder) reset(likely int) {
	room := 1 << bits.Len(uint(likely|15))
	b.nameTable.reset(room)
	b.records, b.last = 0, 0
	if len(b.hours) > 64 {
		b.hours = nil // most requests are about few hours, and to clear a map takes as long as it is large
	}
	clear(b.hours)
	b.order, b.rows = b.order[:0], b.rows[:0]
	b.flows = free(b.flows, room)
}

// AddUp adds up records into the batches that one request makes, one for each hour. It fails with a *RecordError when a
// name is not 1 to MaxName bytes of UTF-8 or a number is negative, and with an error that wraps ErrOverflow when the sum of a flow
// would pass 2^63-1. MaxBytes and the units of hours belong to the contract of requests and are not looked at here. It keeps nothing of records.
func AddUp(records []Record) (*Posting, error) {
	b := builder{Leniency: Leniency{AnyHour: true}}
	b.reset(len(records))
	for i, r := range records {
		if f, reason := r.fault(); reason != "" {
			return nil, &RecordError{Index: i, Field: f.String(), Reason: reason}
		}
		f := triple{b.symbolOf([]byte(r.SrcApp)), b.symbolOf([]byte(r.DestApp)), b.symbolOf([]byte(r.VPCID))}
		if err := b.add(r.Hour, f, r.Totals); err != nil {
			return nil, err
		}
	}
	return b.posting(), nil
}

// symbolOf is symbol for a name of which nothing is known yet.
func (b *builder) symbolOf(text []byte) uint32 {
	var head [16]byte
	copy(head[:], text)
	return b.symbol(text, lower(&head), upper(&head))
}

// add adds a record whose totals are known to be non-negative. The symbols must be as old as the record, those of its new names
// in the order source, destination, VPC: it is the order in which a batch has them.
func (b *builder) add(hour Hour, f triple, t Totals) error {
	b.records++
	for i := b.seeds.flow(hour, f); ; i++ {
		slot := &b.flows[i&uint64(len(b.flows)-1)]
		if *slot == 0 {
			part, err := b.partOf(hour)
			if err != nil {
				return err
			}
			*slot = uint32(len(b.rows)) + 1
			b.insertFlow(part, f, t)
			return nil
		}
		r := &b.rows[*slot-1]
		if r.triple != f || b.order[r.part].hour != hour {
			continue
		}
		sum, saturated := r.totals.Add(t)
		if saturated {
			return fmt.Errorf("hour %d: flow %q to %q in %q: %w",
				hour, b.bytes(f.src), b.bytes(f.dest), b.bytes(f.vpc), ErrOverflow)
		}
		r.totals = sum
		return nil
	}
}

// insertFlow notes a new flow of a part, for which there is a slot already.
func (b *builder) insertFlow(part uint32, f triple, t Totals) {
	b.order[part].flows++
	b.rows = append(b.rows, row{f, part, t})
	if 2*len(b.rows) <= len(b.flows) {
		return
	}
	b.flows = free(b.flows, 2*len(b.flows))
	for i := range b.rows {
		r := &b.rows[i]
		*freeSlot(b.flows, b.seeds.flow(b.order[r.part].hour, r.triple)) = uint32(i) + 1
	}
}

// partOf returns the position of the part of an hour, a new one if it has none. An hour is judged once, by its first record.
func (b *builder) partOf(hour Hour) (uint32, error) {
	if len(b.order) > 0 && b.order[b.last].hour == hour {
		return b.last, nil
	}
	at, ok := b.hours[hour]
	if !ok {
		if err := b.checkUnit(hour); err != nil {
			return 0, err
		}
		if b.hours == nil {
			b.hours = map[Hour]uint32{}
		}
		at = uint32(len(b.order))
		b.hours[hour] = at
		b.order = append(b.order, part{hour: hour})
	}
	b.last = at
	return at, nil
}

// checkUnit refuses an hour that looks like a time of another unit.
func (b *builder) checkUnit(hour Hour) error {
	if b.AnyHour {
		return nil
	}
	if fault := unitFault(hour); fault != "" {
		return &RecordError{Index: b.records - 1, Field: fieldHour.String(), Reason: fault}
	}
	return nil
}
