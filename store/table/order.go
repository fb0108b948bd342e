package table

import (
	"slices"
	"sync"

	"flowring/flow"
)

// rowRef is the position of a flow: the shard in the top bits, the row in the others. The 2^28 rows of a shard would
// take 10 GB.
type rowRef uint32

const rowBits = 32 - shardBits

func refTo(shard, row int) rowRef { return rowRef(shard)<<rowBits | rowRef(row) }

func (r rowRef) split() (shard, row int) { return int(r >> rowBits), int(r & (1<<rowBits - 1)) }

// order is the sorted order of the flows of a table, which successive views share. Flows are never removed, so a
// sorted order stays sorted, and two views with equally many flows have the same flows. A slice of rows is not
// written to after it is set.
type order struct {
	mu   sync.Mutex // held while sorting too, because concurrent readers would only sort the same flows again
	rows []rowRef
	ends [shardCount]int // number of rows of each shard in rows
}

// of returns the flows of v sorted by key.
func (o *order) of(v *View) []rowRef {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch added := v.Len() - len(o.rows); {
	case added < 0: // a later view, with all flows of v, was sorted first
		return v.ownRows(o.rows)
	case added == 0:
		return o.rows
	case added <= len(o.rows)/mergeShare:
		o.rows = v.merge(o.rows, v.rowsFrom(&o.ends))
	default:
		o.rows = v.sort()
	}
	for i := range v.shards {
		o.ends[i] = len(v.shards[i].keys)
	}
	return o.rows
}

// mergeShare is the ratio of sorted flows to new flows from which a merge is cheaper than sorting all flows again.
// One binary search takes as long as sorting some hundred rows.
const mergeShare = 256

// ownRows returns the rows of v among the given ones.
func (v *View) ownRows(rows []rowRef) []rowRef {
	own := make([]rowRef, 0, v.Len())
	for _, ref := range rows {
		if shard, row := ref.split(); row < len(v.shards[shard].keys) {
			own = append(own, ref)
		}
	}
	return own
}

// rowsFrom returns the rows from the given end of each shard on.
func (v *View) rowsFrom(ends *[shardCount]int) (added []rowRef) {
	for i := range v.shards {
		for row := ends[i]; row < len(v.shards[i].keys); row++ {
			added = append(added, refTo(i, row))
		}
	}
	return added
}

// merge returns a new list of the sorted rows and the added ones.
func (v *View) merge(rows, added []rowRef) []rowRef {
	slices.SortFunc(added, v.compare)
	merged := make([]rowRef, 0, len(rows)+len(added))
	for _, ref := range added {
		at, _ := slices.BinarySearchFunc(rows, ref, v.compare)
		merged = append(append(merged, rows[:at]...), ref)
		rows = rows[at:]
	}
	return append(merged, rows...)
}

func (v *View) compare(a, b rowRef) int {
	return v.keyAt(a).Compare(v.keyAt(b))
}

func (v *View) keyAt(ref rowRef) flow.Key {
	shard, row := ref.split()
	return v.key(v.shards[shard].keys[row])
}
