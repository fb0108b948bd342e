package store

import (
	"sync"
	"sync/atomic"

	"flowring/flow"
)

// content is a slice in memory: the fold of its batches.
//
// P11: mu is held shared while a batch is added, its totals and its marks, and exclusively while a reading is copied; so
// a reading has all of a batch or nothing. Within that, shards, names and marks have locks of their own.
type content struct {
	mu     sync.RWMutex
	names  names
	shards [shardCount]shard
	marks  marks
	order  *order       // apart, as readings keep it
	count  atomic.Int64 // flows in all shards
	seed   seed         // of the shards
	sorted sync.Pool    // of *batchRows that nobody uses
}

func newContent() *content {
	c := &content{order: new(order), seed: newSeed()}
	for i := range c.shards {
		c.shards[i].seed = c.seed
	}
	return c
}

// fold adds the batch, whose dot is not held yet, and returns whether it was new to the totals, and how many of these it saturated
// (P14). The caller holds the lock on the batch's identity.
func (c *content) fold(b *flow.Batch) (fresh bool, saturated int) {
	id, _ := c.marks.seen(b)
	if id { // the totals have it under another dot
		c.marks.record(b) // one step, so that mu is not needed
		return false, 0
	}
	rows := c.sortRows(b)
	defer c.sorted.Put(rows)
	c.mu.RLock()
	defer c.mu.RUnlock()
	saturated = c.addRows(b, rows)
	c.marks.record(b)
	return true, saturated
}

// batchRows are the flows of a batch in the order of their shards.
type batchRows struct {
	keys []triple // by flow of the batch
	hash []flowHash
	flow []uint32           // flows of the batch, by shard
	ends [shardCount]uint32 // where in flow each shard's part ends
}

func (r *batchRows) reset(n int) {
	r.keys, r.hash, r.flow = r.keys[:n], r.hash[:n], r.flow[:n]
	clear(r.ends[:])
}

// sortRows numbers the names of b and groups its flows by shard, so that adding it takes each shard's lock only once.
func (c *content) sortRows(b *flow.Batch) *batchRows {
	r, _ := c.sorted.Get().(*batchRows)
	if r == nil || cap(r.keys) < b.Len() {
		n := b.Len()
		r = &batchRows{keys: make([]triple, n), hash: make([]flowHash, n), flow: make([]uint32, n)}
	}
	r.reset(b.Len())
	ids := c.names.intern(b.Names)
	var next [shardCount]uint32
	for i := range r.keys {
		r.keys[i] = triple{ids[b.Src[i]], ids[b.Dest[i]], ids[b.VPC[i]]}
		r.hash[i] = r.keys[i].hash(c.seed)
		r.ends[r.hash[i].shard()]++
	}
	for i := 1; i < shardCount; i++ {
		r.ends[i] += r.ends[i-1]
		next[i] = r.ends[i-1]
	}
	for i, h := range r.hash {
		s := h.shard()
		r.flow[next[s]] = uint32(i)
		next[s]++
	}
	return r
}

// addRows adds the flows of b shard by shard. It begins at a shard that the dot decides, so that batches that arrive together
// do not queue up at the same one.
func (c *content) addRows(b *flow.Batch, r *batchRows) (saturated int) {
	for i := range uint64(shardCount) {
		s := (i + b.Dot.Seq) % shardCount
		begin := uint32(0)
		if s > 0 {
			begin = r.ends[s-1]
		}
		saturated += c.addTo(&c.shards[s], b, r, r.flow[begin:r.ends[s]])
	}
	return saturated
}

// addTo adds the given flows of b to their shard.
func (c *content) addTo(s *shard, b *flow.Batch, r *batchRows, flows []uint32) (saturated int) {
	if len(flows) == 0 {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.keys)
	for _, i := range flows {
		if s.add(r.keys[i], r.hash[i], b.Totals(int(i))) {
			saturated++
		}
	}
	c.count.Add(int64(len(s.keys) - before))
	return saturated
}

// flows returns the number of flows.
func (c *content) flows() int { return int(c.count.Load()) }

// size estimates the bytes of memory that the slice takes.
func (c *content) size() int64 {
	return contentCost + flowCost*int64(c.flows()) + c.names.size() + c.marks.size()
}

// As measured by BenchmarkResidentMemory: a triple, totals, a place and a row of the sorted order, with the room that each
// keeps to grow.
const (
	contentCost = 4096
	flowCost    = 48
)
