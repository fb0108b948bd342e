package table

import (
	"slices"
	"sync"
	"sync/atomic"

	"flowring/flow"
)

// Table holds the flows of one slice with their totals.
type Table struct {
	names  names
	shards [shardCount]shard
	order  *order       // allocated apart, because views keep it
	count  atomic.Int64 // flows in all shards
	peak   atomic.Int64 // the largest number among the totals
	seed   seed         // of the hashes in all shards
}

// New returns an empty table.
func New() *Table {
	t := &Table{names: newNames(), order: new(order), seed: newSeed()}
	for i := range t.shards {
		t.shards[i].seed = t.seed
	}
	return t
}

// unused has the *Rows of all tables, because each of many small tables would keep some.
var unused sync.Pool

// Rows are the flows of a batch, grouped by the shards of a table. They serve one goroutine.
type Rows struct {
	keys []RowKey // by flow of the batch
	hash []flowHash
	flow []uint32           // flows of the batch, by shard
	ends [shardCount]uint32 // end of each shard's part of flow
}

func (r *Rows) reset(n int) {
	r.keys, r.hash, r.flow = r.keys[:n], r.hash[:n], r.flow[:n]
	clear(r.ends[:])
}

// Group numbers the names of b and groups its flows by shard, so that Add takes the lock of each shard only once. The
// caller returns the rows with Release.
func (t *Table) Group(b *flow.Batch) *Rows {
	r, _ := unused.Get().(*Rows)
	if r == nil || cap(r.keys) < b.Len() {
		n := b.Len()
		r = &Rows{keys: make([]RowKey, n), hash: make([]flowHash, n), flow: make([]uint32, n)}
	}
	r.reset(b.Len())
	ids := t.names.intern(b.Names)
	var next [shardCount]uint32
	for i := range r.keys {
		r.keys[i] = RowKey{ids[b.Src[i]], ids[b.Dest[i]], ids[b.VPC[i]]}
		r.hash[i] = r.keys[i].hash(t.seed)
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

// Release returns the rows of Group for reuse.
func (t *Table) Release(r *Rows) { unused.Put(r) }

// Add adds the totals of b, whose rows Group has returned, and returns the number of saturated totals (P14). The dot
// of the batch selects the first shard, so that simultaneous batches do not all wait for the same shard.
func (t *Table) Add(b *flow.Batch, r *Rows) (saturated int) {
	if b.Len() <= fetchedAtOnce {
		return t.addFew(b, r)
	}
	for i := range uint64(shardCount) {
		s := (i + b.Dot.Seq) % shardCount
		begin := uint32(0)
		if s > 0 {
			begin = r.ends[s-1]
		}
		saturated += t.addTo(&t.shards[s], b, r, r.flow[begin:r.ends[s]])
	}
	return saturated
}

// addTo adds the given flows of b to their shard.
func (t *Table) addTo(s *shard, b *flow.Batch, r *Rows, flows []uint32) (saturated int) {
	if len(flows) == 0 {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.keys)
	for part := range slices.Chunk(flows, fetchedAtOnce) {
		s.fetch(r.hash, part)
		for _, i := range part {
			if s.add(r.keys[i], r.hash[i], b.Totals(int(i))) {
				saturated++
			}
		}
	}
	t.count.Add(int64(len(s.keys) - before))
	t.raisePeak(s.peak)
	return saturated
}

// raisePeak makes the peak at least as large as the peak of a shard.
func (t *Table) raisePeak(peak int64) {
	for before := t.peak.Load(); peak > before; before = t.peak.Load() {
		if t.peak.CompareAndSwap(before, peak) {
			return
		}
	}
}

// EachTotals calls fn with the totals of all flows, by shard. It reads them without the locks of the shards: the caller
// makes sure that no Add runs meanwhile. fn must not retain them.
func (t *Table) EachTotals(fn func([]flow.Totals)) {
	for i := range t.shards {
		fn(t.shards[i].totals)
	}
}

// Flows returns the number of flows.
func (t *Table) Flows() int { return int(t.count.Load()) }

// Names returns the number of names.
func (t *Table) Names() int { return t.names.count() }

// Size estimates the memory of the table in bytes.
func (t *Table) Size() int64 { return tableCost + flowCost*int64(t.Flows()) + t.names.size() }

// Bytes as measured by BenchmarkResidentMemory of package store: the key and the totals of a flow, its slot and its
// row in the sorted order, each with its unused capacity.
const (
	tableCost = 4096
	flowCost  = 48
)
