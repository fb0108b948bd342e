package flow

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"flowring/flow/field"
	"flowring/flow/room"
	"flowring/flow/scan"
)

// Leniency lists the deviations from the contract of requests that a decoder accepts.
type Leniency struct {
	AnyHour bool // hours like 1796031600, which is a time in seconds since 1970
	AnySum  bool // numbers of bytes over MaxBytes, because the totals of answers may exceed it

	SetAside bool // records that are not valid by themselves are left out, and Posting.SetAside has them
}

// MaxSum returns the largest number of bytes of one record.
func (l Leniency) MaxSum() int64 {
	if l.AnySum {
		return math.MaxInt64
	}
	return MaxBytes
}

// PostingBuilder adds up the records of one request per hour and flow, for a decoder. It reuses its memory from one
// request to the next. After an error it must be reset. It serves one goroutine.
type PostingBuilder struct {
	Leniency
	table scan.Table
	aside SetAside
}

// Reset begins a request with the expected number of records.
func (b *PostingBuilder) Reset(expected int) {
	b.table.Reset(expected)
	b.aside = SetAside{}
}

// Records returns the number of records since Reset, with the records that were set aside.
func (b *PostingBuilder) Records() int { return b.table.Records + b.aside.Records }

// LeaveOut sets the record aside to which an error belongs. It returns the error if the record must refuse its request.
func (b *PostingBuilder) LeaveOut(err error) error {
	var record *RecordError
	if !b.SetAside || !errors.As(err, &record) || record.Index < 0 || record.Broken {
		return err
	}
	b.aside.Records++
	if len(b.aside.First) < MaxReasons {
		b.aside.First = append(b.aside.First, record)
	}
	return nil
}

// Add adds a record. The names must be valid and the totals non-negative. Add keeps no part of the names. It fails with
// a *RecordError for an hour in another unit, and with an error wrapping ErrOverflow for a sum over 2^63-1.
func (b *PostingBuilder) Add(src, dest, vpc []byte, t Totals, hour Hour) error {
	if reason := b.HourFault(hour); reason != "" {
		return &RecordError{Index: b.Records(), Field: field.Hour.String(), Reason: reason}
	}
	f := scan.Symbols{Src: b.table.Symbol(src), Dest: b.table.Symbol(dest), VPC: b.table.Symbol(vpc)}
	if !b.table.Add(int64(hour), f, t.BytesTx, t.BytesRx) {
		// The names are those of the table, because src, dest and vpc would escape to the heap.
		key := Key{string(b.table.Name(f.Src)), string(b.table.Name(f.Dest)), string(b.table.Name(f.VPC))}
		return Overflow(hour, key)
	}
	return nil
}

// Symbol returns the number of a name of a record, which must be valid, for AddNumbered. It keeps no part of the name.
func (b *PostingBuilder) Symbol(name []byte) uint32 { return b.table.Symbol(name) }

// AddNumbered is Add for a record with the symbols of its names. Symbol must have given those of new names immediately
// before, in the order source, destination, VPC. The hour must have no HourFault. AddNumbered returns false if a sum
// would exceed 2^63-1.
func (b *PostingBuilder) AddNumbered(names scan.Symbols, t Totals, hour Hour) bool {
	return b.table.Add(int64(hour), names, t.BytesTx, t.BytesRx)
}

// Overflow returns the error of a flow with a sum over 2^63-1.
func Overflow(hour Hour, k Key) error {
	return fmt.Errorf("hour %d: flow %q to %q in %q: %w", hour, k.SrcApp, k.DestApp, k.VPCID, ErrOverflow)
}

// HourFault returns the reason for which an hour is refused; it is empty for most hours.
func (b *PostingBuilder) HourFault(hour Hour) string {
	if b.AnyHour {
		return ""
	}
	return field.UnitFault(int64(hour))
}

// hoursAreValid reports whether Add would have accepted every hour of the table.
func (b *PostingBuilder) hoursAreValid() bool {
	return !slices.ContainsFunc(b.table.Hours, func(h scan.HourFlows) bool { return b.HourFault(Hour(h.Hour)) != "" })
}

// Posting returns the batches, in order of first appearance. The builder must be reset afterwards.
func (b *PostingBuilder) Posting() *Posting {
	t, names := &b.table, b.table.Names()
	p := &Posting{Records: b.Records(), Aside: b.aside, Batches: newBatches(t.Hours, len(t.Rows), nil)}
	filled := make([]int, len(t.Hours))
	for _, r := range t.Rows {
		p.Batches[r.Hour].set(filled[r.Hour], r.Symbols, Totals{r.Tx, r.Rx})
		filled[r.Hour]++
	}
	if len(p.Batches) == 1 { // its names are those of the request, in the right order
		p.Batches[0].Names = names
		return p
	}
	local := scan.NewLocalNames(names)
	for _, batch := range p.Batches {
		batch.Names = local.Localize(batch.Src, batch.Dest, batch.VPC)
	}
	return p
}

// maxReused is the largest body after which a decoder keeps its working memory for the next one.
const maxReused = 512 << 10

// Release ends a request with a body of the given number of bytes. After a large body it frees the memory of the
// builder, and returns true.
func (b *PostingBuilder) Release(body int) (freed bool) {
	if body > maxReused {
		*b = PostingBuilder{}
		return true
	}
	return false
}

// BatchBuilder builds batches of flows whose names have numbers. It serves one goroutine.
type BatchBuilder struct{ names *scan.LocalNames }

// NewBatchBuilder returns a builder of batches for the given names, whose numbers are their indices.
func NewBatchBuilder(names []string) *BatchBuilder { return &BatchBuilder{scan.NewLocalNames(names)} }

// Batch returns a batch of n distinct flows without an identity; n is at least 1. The function flow returns the numbers
// of the source, the destination and the VPC of flow i, and its totals.
func (b *BatchBuilder) Batch(s Slice, n int, flow func(i int) (names [3]uint32, t Totals)) *Batch {
	batch := newBatch(s, n, nil)
	for i := range n {
		names, t := flow(i)
		batch.set(i, scan.Symbols{Src: names[0], Dest: names[1], VPC: names[2]}, t)
	}
	batch.Names = b.names.Localize(batch.Src, batch.Dest, batch.VPC)
	return batch
}

// newBatches returns a batch for each hour, with room for its flows. Their columns are cut from two allocations.
func newBatches(hours []scan.HourFlows, flows int, room *room.Room) []*Batch {
	indices, sums := room.Indices(3*flows), room.Sums(2*flows)
	all, batches := make([]Batch, len(hours)), make([]*Batch, len(hours))
	for i, h := range hours {
		b, n := &all[i], h.Flows
		b.Slice.Hour = Hour(h.Hour)
		b.Src, b.Dest, b.VPC = indices[:n:n], indices[n:2*n:2*n], indices[2*n:3*n:3*n]
		b.Tx, b.Rx = sums[:n:n], sums[n:2*n:2*n]
		indices, sums, batches[i] = indices[3*n:], sums[2*n:], b
	}
	return batches
}

// newBatch returns a batch with room for n flows.
func newBatch(s Slice, n int, room *room.Room) *Batch {
	b := newBatches([]scan.HourFlows{{Flows: n}}, n, room)[0]
	b.Slice = s
	return b
}

// set sets flow i.
func (b *Batch) set(i int, f scan.Symbols, t Totals) {
	b.Src[i], b.Dest[i], b.VPC[i] = f.Src, f.Dest, f.VPC
	b.Tx[i], b.Rx[i] = t.BytesTx, t.BytesRx
}
