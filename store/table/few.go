package table

import "flowring/flow"

// addFew is Add for at most fetchedAtOnce flows, which are of nearly as many shards. It locks all of these, in their
// order, so that the processor waits for the memory of all flows at once.
func (t *Table) addFew(b *flow.Batch, r *Rows) (saturated int) {
	t.eachShard(r, (*shard).lock)
	defer t.eachShard(r, (*shard).unlock)
	t.fetchFew(r)
	added := 0
	for i, h := range r.hash {
		s := &t.shards[h.shard()]
		before := len(s.keys)
		if s.add(r.keys[i], h, b.Totals(i)) {
			saturated++
		}
		added += len(s.keys) - before
		t.raisePeak(s.peak)
	}
	t.count.Add(int64(added))
	return saturated
}

// eachShard calls fn with the shards of some flows, in their order.
func (t *Table) eachShard(r *Rows, fn func(*shard)) {
	begin := uint32(0)
	for i, end := range r.ends {
		if end > begin {
			fn(&t.shards[i])
		}
		begin = end
	}
}

func (s *shard) lock()   { s.mu.Lock() }
func (s *shard) unlock() { s.mu.Unlock() }

// fetchFew reads the slots and rows of some flows, like fetch. Their shards are locked.
func (t *Table) fetchFew(r *Rows) {
	var rows [fetchedAtOnce]uint32
	for i, h := range r.hash {
		rows[i] = t.shards[h.shard()].likelyRow(h)
	}
	for i, h := range r.hash {
		if s := &t.shards[h.shard()]; len(s.keys) > 0 {
			s.fetched |= uint64(s.keys[rows[i]].Src) | uint64(s.totals[rows[i]].BytesTx)
		}
	}
}

// likelyRow returns the row in the slot of a hash, and any row if the slot is free.
func (s *shard) likelyRow(h flowHash) uint32 {
	if len(s.slots) == 0 {
		return 0
	}
	p := s.slots[uint64(h)&uint64(len(s.slots)-1)]
	return p - min(p, 1) // without a branch, which the processor could not predict
}
