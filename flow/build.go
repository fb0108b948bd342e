package flow

import (
	"errors"
	"fmt"
)

// ErrOverflow says that the records of one request bring a flow's sum over 2^63-1 bytes. Nothing of the request may be stored
// (P14).
var ErrOverflow = errors.New("sum over 2^63-1 bytes")

// Builder adds up records per hour, slice and flow. It serves one request and one goroutine; once Add has failed it is of no
// more use.
//
// All hours share its tables, and the batches are cut to size at the end: a request whose every record has an hour of its own
// must not cost two maps an hour (P16).
type Builder struct {
	perHour int // slices of an hour
	records int

	symbols map[string]uint32 // name -> position in names
	names   []string
	parts   map[Slice]uint32 // slice -> position in order
	order   []part
	flows   map[flowRef]uint32 // flow -> position in rows
	rows    []row
}

// part is a batch to be.
type part struct {
	slice Slice
	flows int
}

// flowRef is a flow of the request: a part and three symbols.
type flowRef struct {
	part           uint32
	src, dest, vpc uint32
}

// row is what a flow adds up to.
type row struct {
	flowRef
	totals Totals
}

// NewBuilder returns an empty builder for a cluster with the given number of slices per hour.
func NewBuilder(slices int) *Builder {
	return &Builder{
		perHour: slices,
		symbols: map[string]uint32{},
		parts:   map[Slice]uint32{},
		flows:   map[flowRef]uint32{},
	}
}

// AddUp adds up records into the batches that one request makes, for a cluster with the given number of slices per hour. It
// fails as Builder.Add does. It keeps the strings of the names, and nothing else of records.
func AddUp(records []Record, slices int) (*Posting, error) {
	b := NewBuilder(slices)
	for _, r := range records {
		if err := b.Add(r); err != nil {
			return nil, err
		}
	}
	return b.Posting(), nil
}

// Add adds one record. It fails with a *RecordError when a name is not 1 to MaxName bytes of UTF-8 or a number is negative, and
// with an error that wraps ErrOverflow when the flow's sum would pass 2^63-1. MaxBytes is a limit of the JSON contract and is
// not enforced here.
func (b *Builder) Add(r Record) error {
	if f, reason := r.fault(); reason != "" {
		return &RecordError{Index: b.records, Field: f.String(), Reason: reason}
	}
	return b.add(r.Hour, [3]uint32{intern(b, r.SrcApp), intern(b, r.DestApp), intern(b, r.VPCID)}, r.Totals)
}

// intern returns the symbol of a name, and copies the name only when it is new.
func intern[T string | []byte](b *Builder, name T) uint32 {
	if symbol, ok := b.symbols[string(name)]; ok {
		return symbol
	}
	symbol, kept := uint32(len(b.names)), string(name)
	b.symbols[kept] = symbol
	b.names = append(b.names, kept)
	return symbol
}

// add adds a record whose names are symbols and whose totals are known to be non-negative.
func (b *Builder) add(hour Hour, names [3]uint32, t Totals) error {
	ref := flowRef{b.partOf(hour, names), names[0], names[1], names[2]}
	b.records++
	i, ok := b.flows[ref]
	if !ok {
		b.flows[ref] = uint32(len(b.rows))
		b.rows = append(b.rows, row{ref, t})
		b.order[ref.part].flows++
		return nil
	}
	sum, saturated := b.rows[i].totals.Add(t)
	if saturated {
		k := b.key(names)
		return fmt.Errorf("hour %d: flow %q to %q in %q: %w", hour, k.SrcApp, k.DestApp, k.VPCID, ErrOverflow)
	}
	b.rows[i].totals = sum
	return nil
}

// partOf returns the position of the part that a flow of an hour belongs to.
func (b *Builder) partOf(hour Hour, names [3]uint32) uint32 {
	slice := Slice{Hour: hour}
	if b.perHour > 1 {
		slice.Index = b.key(names).Slice(b.perHour)
	}
	i, ok := b.parts[slice]
	if !ok {
		i = uint32(len(b.order))
		b.parts[slice] = i
		b.order = append(b.order, part{slice: slice})
	}
	return i
}

func (b *Builder) key(names [3]uint32) Key {
	return Key{b.names[names[0]], b.names[names[1]], b.names[names[2]]}
}
