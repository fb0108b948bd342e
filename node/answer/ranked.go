package answer

import (
	"fmt"
	"math"
	"slices"
	"sync/atomic"

	"flowring/flow"
)

// rankedMerge merges slices of few names. It ranks the names of all slices first. A key is then one number, made of the
// ranks of its names, and its names are in JSON already when the first flow is written.
//
// A step takes the least key of all slices, and adds up all flows with it. It has no branch that depends on the keys,
// because a processor cannot predict such a branch.
type rankedMerge struct {
	names     []string      // in order; the rank of names[i] is i+1
	runs      []*run        // the slices with flows left
	saturated *atomic.Int64 // totals cut to 2^63-1 (P14)
}

// maxRanked is the largest number of names, of all slices together, that are sorted before the merge.
const (
	rankBits  = 14
	maxRanked = 1<<rankBits - 1
)

// run is the flows of a slice in order, as numbers.
type run struct {
	*cursor
	ranks  []uint64 // by number of a name
	keys   []uint64 // of the flows of the current part, and endOfPart behind them
	tx, rx []int64  // of the same flows, and 0 behind them
	last   uint64   // the key of the last flow of all parts so far
}

// endOfPart is behind all keys.
const endOfPart = math.MaxUint64

// ranksOf returns the names of all slices in order. ok is false if they are too many, or if later parts have further
// ones.
func ranksOf(cursors []*cursor) (names []string, ok bool) {
	for _, s := range cursors {
		if !s.whole {
			return nil, false
		}
		if s.part == nil {
			continue
		}
		names = append(names, s.part.Names...)
		slices.Sort(names)
		if names = slices.Compact(names); len(names) > maxRanked {
			return nil, false
		}
	}
	return names, true
}

func newRankedMerge(names []string, cursors []*cursor, saturated *atomic.Int64) (*rankedMerge, error) {
	m := &rankedMerge{names: names, saturated: saturated}
	for _, s := range cursors {
		r := &run{cursor: s}
		if s.part == nil {
			continue
		}
		m.runs = append(m.runs, r)
		if err := m.begin(r); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// begin makes the current part of a run into numbers.
func (m *rankedMerge) begin(r *run) error {
	if r.isNewTable() {
		r.ranks = r.ranks[:0]
		for _, name := range r.part.Names {
			rank, ok := slices.BinarySearch(m.names, name)
			if !ok {
				return fmt.Errorf("a slice has the name %q only in a later part", name)
			}
			r.ranks = append(r.ranks, uint64(rank)+1)
		}
	}
	p := r.part
	r.keys = slices.Grow(r.keys[:0], p.Len()+1)
	last := r.last
	for i, src := range p.Src {
		key := r.ranks[src]<<(2*rankBits) | r.ranks[p.Dest[i]]<<rankBits | r.ranks[p.VPC[i]]
		if key <= last {
			return fmt.Errorf("a slice has %v out of order", p.FlowKey(i))
		}
		r.keys = append(r.keys, key)
		last = key
	}
	r.keys, r.last = append(r.keys, endOfPart), last
	r.tx, r.rx = append(append(r.tx[:0], p.Tx...), 0), append(append(r.rx[:0], p.Rx...), 0)
	return nil
}

// left returns the number of flows of the current part that are not merged yet.
func (r *run) left() int { return len(r.keys) - 1 - r.at }

// sums are flows of the hour, added up.
type sums struct {
	keys   [sumsRoom]uint64
	totals [sumsRoom]flow.Totals
}

const sumsRoom = 512

// next merges flows into out, and returns their number: at least one until the end. fetch moves a run to its next part.
func (m *rankedMerge) next(out *sums, fetch func(*run) error) (n int, err error) {
	if err := m.refill(fetch); err != nil {
		return 0, err
	}
	if len(m.runs) == 0 {
		return 0, nil
	}
	n = sumsRoom
	for _, r := range m.runs {
		n = min(n, r.left()) // a step takes at most one flow of each run
	}
	for i := range n {
		least := uint64(endOfPart)
		for _, r := range m.runs {
			least = min(least, r.keys[r.at])
		}
		out.keys[i], out.totals[i] = least, m.take(least)
	}
	return n, nil
}

// take adds up the flows with a key, and moves behind them.
func (m *rankedMerge) take(key uint64) (sum flow.Totals) {
	for _, r := range m.runs {
		is := 0
		if r.keys[r.at] == key {
			is = 1
		}
		mask := -int64(is)
		sum.BytesTx += r.tx[r.at] & mask
		sum.BytesRx += r.rx[r.at] & mask
		r.at += is
		if sum.BytesTx|sum.BytesRx < 0 {
			sum = m.cut(sum)
		}
	}
	return sum
}

// cut cuts an overflowed sum to 2^63-1 (P14).
func (m *rankedMerge) cut(sum flow.Totals) flow.Totals {
	m.saturated.Add(1)
	for _, v := range [...]*int64{&sum.BytesTx, &sum.BytesRx} {
		if *v < 0 {
			*v = math.MaxInt64
		}
	}
	return sum
}

// refill moves each run at the end of its part to its next part. It removes runs without further parts.
func (m *rankedMerge) refill(fetch func(*run) error) error {
	left := m.runs[:0]
	for _, r := range m.runs {
		if r.left() == 0 {
			if err := fetch(r); err != nil {
				return err
			}
			if r.part == nil {
				continue
			}
			if err := m.begin(r); err != nil {
				return err
			}
		}
		left = append(left, r)
	}
	m.runs = left
	return nil
}

// texts returns the names by rank, as JSON strings.
func (m *rankedMerge) texts() []string {
	texts := make([]string, 1+len(m.names))
	var all []byte
	for i, name := range m.names {
		all = flow.AppendName(all[:0], name)
		texts[i+1] = string(all)
	}
	return texts
}
