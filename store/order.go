package store

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// rowRef is the place of a flow: the shard in the top bits, the row in the others. 2^28 rows of a shard would take 10 GB.
type rowRef uint32

const rowBits = 32 - shardBits

func refTo(shard, row int) rowRef { return rowRef(shard)<<rowBits | rowRef(row) }

func (r rowRef) split() (shard, row int) { return int(r >> rowBits), int(r & (1<<rowBits - 1)) }

// order is the flows of a slice sorted by key, kept from one reading to the next: flows are never taken away, so what was sorted
// once stays so, and a reading with as many flows has the same ones. The rows, once there, are not written to.
type order struct {
	mu   sync.Mutex // held while sorting too: who reads at the same time would only sort the same flows again
	rows []rowRef
	ends [shardCount]int // how many rows of each shard are in rows
}

// of returns the flows of r sorted by key.
func (o *order) of(r *Reading) []rowRef {
	o.mu.Lock()
	defer o.mu.Unlock()
	fresh, older := r.beyond(&o.ends)
	switch {
	case older: // it was copied before another that was sorted first
		return r.sort(r.unsorted())
	case len(fresh) == 0:
		return o.rows
	case len(fresh) <= len(o.rows)/mergeShare:
		o.rows = r.merge(o.rows, fresh)
	default:
		o.rows = r.sort(r.unsorted())
	}
	for i := range r.shards {
		o.ends[i] = len(r.shards[i].keys)
	}
	return o.rows
}

// mergeShare is how many times as many flows must be in order as are new for it to be cheaper to put these in between than to sort
// all of them again: to find one place takes as long as to sort some hundred rows.
const mergeShare = 256

// beyond returns the rows behind the given end of each shard; older if r has not all of those before it.
func (r *Reading) beyond(ends *[shardCount]int) (fresh []rowRef, older bool) {
	for i := range r.shards {
		older = older || len(r.shards[i].keys) < ends[i]
		for row := ends[i]; row < len(r.shards[i].keys); row++ {
			fresh = append(fresh, refTo(i, row))
		}
	}
	return fresh, older
}

func (r *Reading) unsorted() []rowRef {
	rows, _ := r.beyond(new([shardCount]int))
	return rows
}

// merge returns a new list of the sorted rows and the fresh ones.
func (r *Reading) merge(rows, fresh []rowRef) []rowRef {
	slices.SortFunc(fresh, r.byKey)
	merged := make([]rowRef, 0, len(rows)+len(fresh))
	for _, ref := range fresh {
		at, _ := slices.BinarySearchFunc(rows, ref, r.byKey)
		merged = append(append(merged, rows[:at]...), ref)
		rows = rows[at:]
	}
	return append(merged, rows...)
}

func (r *Reading) byKey(a, b rowRef) int {
	k, l := r.key(a), r.key(b)
	return cmp.Or(
		strings.Compare(r.names[k.src], r.names[l.src]),
		strings.Compare(r.names[k.dest], r.names[l.dest]),
		strings.Compare(r.names[k.vpc], r.names[l.vpc]))
}

func (r *Reading) key(ref rowRef) triple {
	shard, row := ref.split()
	return r.shards[shard].keys[row]
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
		sortBy(func(ref rowRef) uint32 { return ranks[part(r.key(ref))] }, rows, other, count)
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
