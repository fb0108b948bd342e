package store

import (
	"iter"

	"flowring/flow"
)

// Reading is a slice as it was at one moment: whole batches only (P11). It is immutable.
type Reading struct {
	hour   flow.Hour
	names  []string
	shards [shardCount]shardView
	rows   []rowRef // sorted by key
	digest Digest
}

// shardView is what a shard held when it was copied. The keys are the shard's own, which do not change; the totals are a copy.
type shardView struct {
	keys   []triple
	totals []flow.Totals
}

// Len returns the number of flows.
func (r *Reading) Len() int { return len(r.rows) }

// Digest returns the dots of the batches in the reading. The caller must not add to it.
func (r *Reading) Digest() Digest { return r.digest }

// Records iterates over the flows, sorted by key. What is next to each other there is not in memory: the rows are fetched some
// at a time, so that the processor waits for many of them at once.
func (r *Reading) Records() iter.Seq[flow.Record] {
	return func(yield func(flow.Record) bool) {
		var some [32]struct {
			key    triple
			totals flow.Totals
		}
		for rows := r.rows; len(rows) > 0; {
			n := min(len(rows), len(some))
			for i, ref := range rows[:n] {
				shard, row := ref.split()
				some[i].key, some[i].totals = r.shards[shard].keys[row], r.shards[shard].totals[row]
			}
			for i := range some[:n] {
				if !yield(r.record(some[i].key, some[i].totals)) {
					return
				}
			}
			rows = rows[n:]
		}
	}
}

func (r *Reading) record(k triple, t flow.Totals) flow.Record {
	key := flow.Key{SrcApp: r.names[k.src], DestApp: r.names[k.dest], VPCID: r.names[k.vpc]}
	return flow.Record{Key: key, Totals: t, Hour: r.hour}
}

// read copies the slice.
func (c *content) read(hour flow.Hour) *Reading {
	r := &Reading{hour: hour}
	room := c.flows() + readRoom
	c.copyTo(r, make([]flow.Totals, 0, room))
	r.rows = c.order.of(r)
	return r
}

// readRoom is for the flows that arrive between counting and copying; more of them cost one allocation within the lock.
const readRoom = 1024

// copyTo copies the totals and the digest while no batch is being added, and borrows what does not change. The memory was
// allocated, and so cleared, before: writers wait for the copy alone.
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
	r.names = c.names.all()
	r.digest = c.marks.digest()
}
