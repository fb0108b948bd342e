package table

import (
	"slices"
	"sync"

	"flowring/flow"
	"flowring/internal/hashseed"
)

// RowKey is the key of a flow, as the numbers of its names in Names of a view.
type RowKey struct{ Src, Dest, VPC uint32 }

// A table has this many shards, so that updates of different flows seldom wait for each other.
const (
	shardBits  = 4
	shardCount = 1 << shardBits
)

// flowHash is the hash of a RowKey. Its top bits select the shard, its low bits the slot within the shard.
type flowHash uint64

// seed is the secret part of the hashes of a table.
type seed [2]uint64

func newSeed() (s seed) {
	hashseed.Draw(s[:])
	return s
}

func (k RowKey) hash(s seed) flowHash {
	h := hashseed.Mix((uint64(k.Src)<<32|uint64(k.Dest))^s[0], uint64(k.VPC)^s[1])
	return flowHash(hashseed.Mix(h, s[1]))
}

func (h flowHash) shard() int { return int(h >> (64 - shardBits)) }

// shard holds a part of the flows. A flow is a row of two columns without pointers. Rows are only ever added, so a
// flow keeps its row.
//
// An open-addressing hash table with linear probing finds the rows. It holds only row numbers: 4 bytes where a Go map
// takes 27, because the map repeats the key. Most look-ups cost one cache miss in the slots and one in each column.
// The hash is seeded, so that a client cannot choose names whose flows all fall into one slot (P16).
type shard struct {
	mu     sync.Mutex
	slots  []uint32 // 0, or a row plus 1; the length is a power of two, and at most 3/4 are in use
	keys   []RowKey
	totals []flow.Totals // of the flow in the same row of keys
	peak   int64         // the largest number in totals
	seed   seed          // of the hashes passed to find

	fetched uint64 // keeps the compiler from leaving out the reads of fetch
}

// find returns the row of the flow, or, if it has none, the free slot for it. The shard must have slots.
func (s *shard) find(k RowKey, h flowHash) (row int, slot uint64, ok bool) {
	mask := uint64(len(s.slots) - 1)
	for slot = uint64(h) & mask; ; slot = (slot + 1) & mask {
		p := s.slots[slot]
		if p == 0 {
			return 0, slot, false
		}
		if s.keys[p-1] == k {
			return int(p - 1), slot, true
		}
	}
}

// fetchedAtOnce is the number of flows that fetch reads.
const fetchedAtOnce = 32

// fetch reads the slots and rows of some flows, at most fetchedAtOnce, so that the processor waits for the memory of
// all of them at once. The add of each one then finds its memory in the cache. The caller holds mu.
func (s *shard) fetch(hashes []flowHash, flows []uint32) {
	if len(s.keys) == 0 {
		return
	}
	var rows [fetchedAtOnce]uint32
	for i, f := range flows {
		rows[i] = s.likelyRow(hashes[f])
	}
	read := uint64(0)
	for _, row := range rows[:len(flows)] {
		read |= uint64(s.keys[row].Src) | uint64(s.totals[row].BytesTx)
	}
	s.fetched = read
}

// add adds t to the flow and reports whether its totals saturated (P14). The caller holds mu.
func (s *shard) add(k RowKey, h flowHash, t flow.Totals) (saturated bool) {
	row := s.row(k, h)
	s.totals[row], saturated = s.totals[row].Add(t)
	s.peak = max(s.peak, s.totals[row].BytesTx, s.totals[row].BytesRx)
	return saturated
}

// row returns the row of the flow, a new one if it has none.
func (s *shard) row(k RowKey, h flowHash) int {
	if len(s.keys) >= len(s.slots)/4*3 {
		s.grow()
	}
	row, slot, ok := s.find(k, h)
	if ok {
		return row
	}
	s.keys = append(withRoom(s.keys), k)
	s.totals = append(withRoom(s.totals), flow.Totals{})
	s.slots[slot] = uint32(len(s.keys))
	return len(s.keys) - 1
}

// withRoom returns a column with room for one more value. A full column grows by a fourth, also a small one, which
// append would double: many small tables would have much unused memory.
func withRoom[T any](column []T) []T {
	if len(column) < cap(column) {
		return column
	}
	return append(slices.Grow([]T(nil), len(column)+max(leastRoom, len(column)/4)), column...)
}

const leastRoom = 8 // values

// grow doubles the number of slots.
func (s *shard) grow() {
	s.slots = make([]uint32, max(8, 2*len(s.slots)))
	for i, k := range s.keys {
		_, slot, _ := s.find(k, k.hash(s.seed))
		s.slots[slot] = uint32(i + 1)
	}
}

// get returns the totals of the flow, zero if the shard lacks it, and whether the shard has it.
func (s *shard) get(k RowKey, h flowHash) (t flow.Totals, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.slots) == 0 {
		return t, false
	}
	row, _, ok := s.find(k, h)
	if ok {
		t = s.totals[row]
	}
	return t, ok
}
