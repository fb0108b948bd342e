package table

import "flowring/flow"

// Selected are flows of a view, as rows by shard.
type Selected [shardCount][]uint32

// Select collects the flows whose keys add accepts: add appends the rows of the keys of a shard to rows.
func (s *Selected) Select(v *View, add func(keys []RowKey, rows []uint32) []uint32) {
	for i := range v.shards {
		s[i] = add(v.shards[i].keys, s[i][:0])
	}
}

// Clear removes all flows.
func (s *Selected) Clear() {
	for i := range s {
		s[i] = s[i][:0]
	}
}

// Keys appends the keys of selected flows of a view to dst.
func (s *Selected) Keys(v *View, dst []RowKey) []RowKey {
	for i := range v.shards {
		for _, row := range s[i] {
			dst = append(dst, v.shards[i].keys[row])
		}
	}
	return dst
}

// CopyKeys fills an empty view without the totals. The caller makes sure that no Add runs meanwhile.
func (t *Table) CopyKeys(v *View, hour flow.Hour) {
	v.hour = hour
	for i := range t.shards {
		keys := t.shards[i].keys
		v.shards[i].keys = keys[:len(keys):len(keys)]
		v.flows += len(keys)
	}
	v.names = t.names.all()
}

// CopyTotals appends the present totals of selected flows of a view from CopyKeys to dst, in the order of Keys. It
// reports false if the table has flows that the view lacks. The caller makes sure that no Add runs meanwhile.
func (t *Table) CopyTotals(v *View, selected *Selected, dst []flow.Totals) ([]flow.Totals, bool) {
	if t.Flows() != v.flows {
		return dst, false
	}
	for i := range t.shards {
		totals := t.shards[i].totals
		for _, row := range selected[i] {
			dst = append(dst, totals[row])
		}
	}
	return dst, true
}
