package table

import (
	"fmt"
	"iter"
	"slices"
	"sync"

	"flowring/flow"
)

// View is the content of a table at one moment. It does not change, and many goroutines may use it. The zero View is
// empty.
type View struct {
	hour   flow.Hour
	names  []string
	shards [shardCount]shardView
	flows  int

	sorting sync.Once
	order   *order   // of the table; nil once rows is set
	rows    []rowRef // sorted by key
}

// shardView is the content of a shard at the time of the copy. The keys are the column of the shard itself, whose
// elements do not change; the totals are a copy.
type shardView struct {
	keys   []RowKey
	totals []flow.Totals
}

// Room returns memory for the totals of a view, for CopyTo. It touches every page, because the first write to a new
// page takes several times as long as the copy, and writers wait during the copy.
func (t *Table) Room() []flow.Totals {
	const page = 4096 / 16 // totals of 16 bytes
	room := make([]flow.Totals, t.Flows()+spareRoom)
	for i := 0; i < len(room); i += page {
		room[i] = flow.Totals{}
	}
	return room[:0]
}

// spareRoom is for flows added between Room and CopyTo. More new flows cost one allocation within CopyTo.
const spareRoom = 1024

// CopyTo copies the table into an empty view, with the totals in room. hour is the hour of its records. It reads the
// columns without the locks of the shards: the caller makes sure that no Add runs meanwhile, so the view has whole
// batches only (P11).
func (t *Table) CopyTo(v *View, hour flow.Hour, room []flow.Totals) {
	v.hour, v.order = hour, t.order
	totals := room
	var ends [shardCount]int
	for i := range t.shards {
		s := &t.shards[i]
		v.shards[i].keys = s.keys[:len(s.keys):len(s.keys)]
		totals = append(totals, s.totals...)
		ends[i] = len(totals)
	}
	begin := 0
	for i, end := range ends {
		v.shards[i].totals = totals[begin:end:end]
		begin = end
	}
	v.flows = begin
	v.names = t.names.all()
}

// Len returns the number of flows.
func (v *View) Len() int { return v.flows }

// Difference names the first difference of two views: a flow of this one, and that of the other one. It is empty if
// there is none.
func (v *View) Difference(o *View) string {
	if v.Len() != o.Len() {
		return fmt.Sprintf("%d flows, %d", v.Len(), o.Len())
	}
	next, stop := iter.Pull(o.Records())
	defer stop()
	for mine := range v.Records() {
		if theirs, _ := next(); mine != theirs {
			return fmt.Sprintf("%+v, %+v", mine, theirs)
		}
	}
	return ""
}

// Names returns the names by number. The caller must not change them.
func (v *View) Names() []string { return v.names }

// Columns iterates over the flows in no order, as columns of keys and of their totals. The caller must not change them.
func (v *View) Columns() iter.Seq2[[]RowKey, []flow.Totals] {
	return func(yield func([]RowKey, []flow.Totals) bool) {
		for i := range v.shards {
			if s := &v.shards[i]; len(s.keys) > 0 && !yield(s.keys, s.totals) {
				return
			}
		}
	}
}

// Sort sorts the flows by key unless they are sorted, which takes about 20 ns for each flow. Records and Parts call it.
func (v *View) Sort() {
	v.sorting.Do(func() {
		if v.order != nil { // nil: the view is empty
			v.rows, v.order = v.order.of(v), nil
		}
	})
}

// Records iterates over the flows, sorted by key.
func (v *View) Records() iter.Seq[flow.Record] {
	return func(yield func(flow.Record) bool) {
		v.Sort()
		var some block
		for rows := v.rows; len(rows) > 0; {
			n := v.fetch(&some, rows)
			for i := range n {
				if !yield(v.record(some.keys[i], some.totals[i])) {
					return
				}
			}
			rows = rows[n:]
		}
	}
}

// block holds successive flows of the order. Their rows are far apart in memory.
type block struct {
	keys   [64]RowKey
	totals [64]flow.Totals
}

// fetch copies the first of the rows into b and returns their number. It copies all keys and then all totals, so that
// the processor waits for many cache misses at once.
func (v *View) fetch(b *block, rows []rowRef) int {
	n := min(len(rows), len(b.keys))
	for i, ref := range rows[:n] {
		shard, row := ref.split()
		b.keys[i] = v.shards[shard].keys[row]
	}
	for i, ref := range rows[:n] {
		shard, row := ref.split()
		b.totals[i] = v.shards[shard].totals[row]
	}
	return n
}

// Parts iterates over the flows, sorted by key, as batches without identity. Each has the given number of flows; the
// last one may have fewer.
func (v *View) Parts(slice flow.Slice, flows int) iter.Seq[*flow.Batch] {
	return func(yield func(*flow.Batch) bool) {
		v.Sort()
		builder := flow.NewBatchBuilder(v.names)
		for rows := range slices.Chunk(v.rows, flows) {
			if !yield(v.part(builder, slice, rows)) {
				return
			}
		}
	}
}

// WholeParts is like Parts, but the batches share the names of the view, and their memory: each is valid until the next
// one.
func (v *View) WholeParts(slice flow.Slice, flows int) iter.Seq[*flow.Batch] {
	return func(yield func(*flow.Batch) bool) {
		v.Sort()
		room := min(flows, len(v.rows))
		numbers, sums := make([]uint32, 3*room), make([]int64, 2*room)
		for rows := range slices.Chunk(v.rows, flows) {
			n := len(rows)
			part := &flow.Batch{
				Slice: slice, Names: v.names, Src: numbers[:n], Dest: numbers[room : room+n], VPC: numbers[2*room : 2*room+n],
				Tx: sums[:n], Rx: sums[room : room+n],
			}
			v.fillPart(part, rows)
			if !yield(part) {
				return
			}
		}
	}
}

// fillPart sets the columns of a part to the flows of the rows. Like fetch, it copies all keys and then all totals.
func (v *View) fillPart(part *flow.Batch, rows []rowRef) {
	src, dest, vpc := part.Src[:len(rows)], part.Dest[:len(rows)], part.VPC[:len(rows)]
	for i, ref := range rows {
		shard, row := ref.split()
		k := &v.shards[shard].keys[row]
		src[i], dest[i], vpc[i] = k.Src, k.Dest, k.VPC
	}
	tx, rx := part.Tx[:len(rows)], part.Rx[:len(rows)]
	for i, ref := range rows {
		shard, row := ref.split()
		t := &v.shards[shard].totals[row]
		tx[i], rx[i] = t.BytesTx, t.BytesRx
	}
}

func (v *View) part(builder *flow.BatchBuilder, slice flow.Slice, rows []rowRef) *flow.Batch {
	var some block
	return builder.Batch(slice, len(rows), func(i int) ([3]uint32, flow.Totals) {
		at := i % len(some.keys)
		if at == 0 {
			v.fetch(&some, rows[i:])
		}
		k := some.keys[at]
		return [3]uint32{k.Src, k.Dest, k.VPC}, some.totals[at]
	})
}

func (v *View) key(k RowKey) flow.Key {
	return flow.Key{SrcApp: v.names[k.Src], DestApp: v.names[k.Dest], VPCID: v.names[k.VPC]}
}

func (v *View) record(k RowKey, t flow.Totals) flow.Record {
	return flow.Record{Key: v.key(k), Totals: t, Hour: v.hour}
}
