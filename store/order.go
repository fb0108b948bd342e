package store

import (
	"slices"
	"strings"
	"sync"
)

// rowRef is the place of a flow: the shard in the top bits, the row in the others. 2^28 rows of a shard would take 10 GB.
type rowRef uint32

const rowBits = 32 - shardBits

func refTo(shard, row int) rowRef { return rowRef(shard)<<rowBits | rowRef(row) }

func (r rowRef) split() (shard, row int) { return int(r >> rowBits), int(r & (1<<rowBits - 1)) }

// order is the flows of a slice sorted by key, kept from one reading to the next: flows are never taken away, so two readings
// with as many flows have the same ones. The rows, once there, are not written to.
type order struct {
	mu   sync.Mutex // held while sorting too: who reads at the same time would only sort the same flows again
	rows []rowRef
}

// of returns the flows of r sorted by key.
func (o *order) of(r *Reading) []rowRef {
	o.mu.Lock()
	defer o.mu.Unlock()
	if n := r.flows(); n != len(o.rows) {
		o.rows = r.sort(r.unsorted(n))
	}
	return o.rows
}

func (r *Reading) flows() (n int) {
	for i := range r.shards {
		n += len(r.shards[i].keys)
	}
	return n
}

func (r *Reading) unsorted(n int) []rowRef {
	rows := make([]rowRef, 0, n)
	for i := range r.shards {
		for row := range r.shards[i].keys {
			rows = append(rows, refTo(i, row))
		}
	}
	return rows
}

// sort sorts rows by key: three passes of a counting sort, by the last part of the key first. Each pass is stable, so the
// order of the earlier passes remains where the later ones see equals. Names are compared only to rank them.
func (r *Reading) sort(rows []rowRef) []rowRef {
	ranks := rankNames(r.names)
	other, count := make([]rowRef, len(rows)), make([]uint32, len(ranks)+1)
	for _, part := range [...]func(triple) uint32{
		func(k triple) uint32 { return k.vpc },
		func(k triple) uint32 { return k.dest },
		func(k triple) uint32 { return k.src },
	} {
		sortBy(func(ref rowRef) uint32 {
			shard, row := ref.split()
			return ranks[part(r.shards[shard].keys[row])]
		}, rows, other, count)
		rows, other = other, rows
	}
	return rows
}

// sortBy writes the rows to out in the order of their ranks, all of which are below len(count)-1, and equals as they came.
func sortBy(rank func(rowRef) uint32, rows, out []rowRef, count []uint32) {
	clear(count)
	for _, ref := range rows {
		count[rank(ref)+1]++
	}
	for i := 1; i < len(count); i++ {
		count[i] += count[i-1] // now the place of the first row of rank i
	}
	for _, ref := range rows {
		at := rank(ref)
		out[count[at]] = ref
		count[at]++
	}
}

// rankNames returns the place of each name among the sorted ones.
func rankNames(names []string) []uint32 {
	sorted := make([]uint32, len(names))
	for i := range sorted {
		sorted[i] = uint32(i)
	}
	slices.SortFunc(sorted, func(a, b uint32) int { return strings.Compare(names[a], names[b]) })
	ranks := make([]uint32, len(names))
	for rank, name := range sorted {
		ranks[name] = uint32(rank)
	}
	return ranks
}
