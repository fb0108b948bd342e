package store

import (
	"sync"

	"flowring/flow"
	"flowring/internal/hashseed"
)

// triple is a flow's key by the numbers of its names.
type triple struct{ src, dest, vpc uint32 }

// The flows of a slice are spread over so many shards that updates of different flows seldom wait for each other.
const (
	shardBits  = 4
	shardCount = 1 << shardBits
)

// flowHash is a hash of a triple. Its top bits decide the shard, its low bits the place within it.
type flowHash uint64

// seed is what the hashes of a slice depend on besides its flows. It is secret.
type seed [2]uint64

func newSeed() (s seed) {
	hashseed.Draw(s[:])
	return s
}

// hash returns the flow's hash.
func (k triple) hash(s seed) flowHash {
	h := hashseed.Mix((uint64(k.src)<<32|uint64(k.dest))^s[0], uint64(k.vpc)^s[1])
	return flowHash(hashseed.Mix(h, s[1]))
}

func (h flowHash) shard() int { return int(h >> (64 - shardBits)) }

// shard is a part of the flows of a slice. Flows are rows of two columns without pointers, which the garbage collector need not
// look into; rows are only ever added, so that a row is a flow's for good.
//
// The rows are found by an open-addressing hash table with linear probing. It holds row numbers alone, 4 bytes where a Go map
// takes 27 for the key once more, and most look-ups cost one cache miss there and one in each column. The hash is seeded, so
// that nobody can choose names whose flows all fall into one place (P16).
type shard struct {
	mu     sync.Mutex
	places []uint32 // 0, or 1 more than a row; a power of two of them, at most 3/4 in use
	keys   []triple
	totals []flow.Totals // of the flow in the same row of keys
	peak   int64         // the largest number in totals
	seed   seed          // of the hashes that find is called with
}

// find returns the flow's row, or, if it has none, the place for it. There must be places.
func (s *shard) find(k triple, h flowHash) (row int, place uint64, ok bool) {
	mask := uint64(len(s.places) - 1)
	for place = uint64(h) & mask; ; place = (place + 1) & mask {
		p := s.places[place]
		if p == 0 {
			return 0, place, false
		}
		if s.keys[p-1] == k {
			return int(p - 1), place, true
		}
	}
}

// add adds t to the flow and reports whether that saturated its totals (P14). The caller holds mu.
func (s *shard) add(k triple, h flowHash, t flow.Totals) (saturated bool) {
	row := s.row(k, h)
	s.totals[row], saturated = s.totals[row].Add(t)
	s.peak = max(s.peak, s.totals[row].BytesTx, s.totals[row].BytesRx)
	return saturated
}

// row returns the flow's row, a new one if it has none.
func (s *shard) row(k triple, h flowHash) int {
	if len(s.keys) >= len(s.places)/4*3 {
		s.grow()
	}
	row, place, ok := s.find(k, h)
	if ok {
		return row
	}
	s.keys = append(s.keys, k)
	s.totals = append(s.totals, flow.Totals{})
	s.places[place] = uint32(len(s.keys))
	return len(s.keys) - 1
}

// grow doubles the places.
func (s *shard) grow() {
	s.places = make([]uint32, max(8, 2*len(s.places)))
	for i, k := range s.keys {
		_, place, _ := s.find(k, k.hash(s.seed))
		s.places[place] = uint32(i + 1)
	}
}

// get returns the totals of the flow, zero if it is not here, and whether it is.
func (s *shard) get(k triple, h flowHash) (t flow.Totals, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.places) == 0 {
		return t, false
	}
	row, _, ok := s.find(k, h)
	if ok {
		t = s.totals[row]
	}
	return t, ok
}

func (s *shard) highest() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peak
}
