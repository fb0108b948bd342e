package store

import (
	"iter"
	"slices"
	"sync"

	"flowring/flow"
	"flowring/store/digest"
)

// Reading is a slice as it was at one moment: whole batches only (P11). What it says does not change, and many goroutines may use it.
type Reading struct {
	hour   flow.Hour
	names  []string
	shards [shardCount]shardView
	flows  int
	digest digest.Digest

	sorting sync.Once
	order   *order   // the slice's; nil once rows are there
	rows    []rowRef // sorted by key
}

// shardView is what a shard held when it was copied. The keys are the shard's own, which do not change; the totals are a copy.
type shardView struct {
	keys   []triple
	totals []flow.Totals
}

// Len returns the number of flows.
func (r *Reading) Len() int { return r.flows }

// Sort puts the flows in order, if they are not yet: that takes some 20 ns for each. Whatever else needs the order does it by itself.
func (r *Reading) Sort() {
	r.sorting.Do(func() {
		if r.order != nil { // nil: nothing is held
			r.rows, r.order = r.order.of(r), nil
		}
	})
}

// Digest returns the dots of the batches in the reading. The caller must not add to it.
func (r *Reading) Digest() digest.Digest { return r.digest }

// Records iterates over the flows, sorted by key.
func (r *Reading) Records() iter.Seq[flow.Record] {
	return func(yield func(flow.Record) bool) {
		r.Sort()
		var some block
		for rows := r.rows; len(rows) > 0; {
			n := r.fetch(&some, rows)
			for i := range n {
				if !yield(r.record(some.keys[i], some.totals[i])) {
					return
				}
			}
			rows = rows[n:]
		}
	}
}

// block is some flows that are next to each other in the order, and not in memory.
type block struct {
	keys   [64]triple
	totals [64]flow.Totals
}

// fetch fetches the first of the rows, and returns how many: first all keys, then all totals, so that the processor waits for many of
// them at once.
func (r *Reading) fetch(b *block, rows []rowRef) int {
	n := min(len(rows), len(b.keys))
	for i, ref := range rows[:n] {
		shard, row := ref.split()
		b.keys[i] = r.shards[shard].keys[row]
	}
	for i, ref := range rows[:n] {
		shard, row := ref.split()
		b.totals[i] = r.shards[shard].totals[row]
	}
	return n
}

// Parts iterates over the flows, sorted by key, as batches without identity of so many flows each.
func (r *Reading) Parts(slice flow.Slice, flows int) iter.Seq[*flow.Batch] {
	return func(yield func(*flow.Batch) bool) {
		r.Sort()
		builder := flow.NewBatchBuilder(r.names)
		for rows := range slices.Chunk(r.rows, flows) {
			if !yield(r.part(builder, slice, rows)) {
				return
			}
		}
	}
}

func (r *Reading) part(builder *flow.BatchBuilder, slice flow.Slice, rows []rowRef) *flow.Batch {
	var some block
	return builder.Batch(slice, len(rows), func(i int) ([3]uint32, flow.Totals) {
		at := i % len(some.keys)
		if at == 0 {
			r.fetch(&some, rows[i:])
		}
		k := some.keys[at]
		return [3]uint32{k.src, k.dest, k.vpc}, some.totals[at]
	})
}

func (r *Reading) key(k triple) flow.Key {
	return flow.Key{SrcApp: r.names[k.src], DestApp: r.names[k.dest], VPCID: r.names[k.vpc]}
}

func (r *Reading) record(k triple, t flow.Totals) flow.Record {
	return flow.Record{Key: r.key(k), Totals: t, Hour: r.hour}
}

// read copies the slice.
func (c *content) read(hour flow.Hour) *Reading {
	r := &Reading{hour: hour, order: c.order}
	c.copyTo(r, roomFor(c.flows()+readRoom))
	return r
}

// roomFor returns room for so many totals that the process has in RAM: memory that is new comes when it is first written to, which
// takes several times as long as to copy.
func roomFor(n int) []flow.Totals {
	const page = 4096 / 16 // of 16 bytes
	room := make([]flow.Totals, n)
	for i := 0; i < n; i += page {
		room[i] = flow.Totals{}
	}
	return room[:0]
}

// readRoom is for the flows that arrive between counting and copying; more of them cost one allocation within the lock.
const readRoom = 1024

// copyTo copies the totals and the digest while no batch is being added, and borrows what does not change. Writers wait for the copy
// alone, not for memory.
func (c *content) copyTo(r *Reading, totals []flow.Totals) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ends [shardCount]int
	for i := range c.shards {
		s := &c.shards[i]
		r.shards[i].keys = s.keys[:len(s.keys):len(s.keys)]
		totals = append(totals, s.totals...)
		ends[i] = len(totals)
	}
	begin := 0
	for i, end := range ends {
		r.shards[i].totals = totals[begin:end:end]
		begin = end
	}
	r.flows = begin
	r.names = c.names.all()
	r.digest = c.marks.digest()
}
