package table

import (
	"math"
	"slices"

	"flowring/flow"
)

// Overflows reports whether b would saturate a total (P14). Usually the largest number of the table and that of b are
// so far below the limit that no flow has to be looked up.
func (t *Table) Overflows(b *flow.Batch) bool {
	if sumPasses(t.peak.Load(), max(slices.Max(b.Tx), slices.Max(b.Rx))) {
		return t.anyOverflows(b)
	}
	return false
}

func (t *Table) anyOverflows(b *flow.Batch) bool {
	ids, _ := t.names.find(b.Names)
	for i := range b.Src {
		totals, _ := t.get(RowKey{ids[b.Src[i]], ids[b.Dest[i]], ids[b.VPC[i]]})
		if _, saturated := totals.Add(b.Totals(i)); saturated {
			return true
		}
	}
	return false
}

// NewNames returns how many names of b the table lacks.
func (t *Table) NewNames(b *flow.Batch) int {
	ids, _ := t.names.find(b.Names)
	n := 0
	for _, id := range ids {
		if id == unknown {
			n++
		}
	}
	return n
}

// NewFlows returns how many flows of b the table lacks.
func (t *Table) NewFlows(b *flow.Batch) int {
	ids, _ := t.names.find(b.Names)
	n := 0
	for i := range b.Src {
		if _, known := t.get(RowKey{ids[b.Src[i]], ids[b.Dest[i]], ids[b.VPC[i]]}); !known {
			n++
		}
	}
	return n
}

// get returns the totals of a flow, zero if the table lacks it, and whether the table has it.
func (t *Table) get(k RowKey) (flow.Totals, bool) {
	h := k.hash(t.seed)
	return t.shards[h.shard()].get(k, h)
}

func sumPasses(a, b int64) bool { return a > math.MaxInt64-b }
